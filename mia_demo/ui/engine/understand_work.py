"""The Understand page's work with the networks."""

from collections.abc import Generator, Mapping, Sequence

import numpy as np
import numpy.typing as npt
import torch

from mia_demo.data.transforms import normalise
from mia_demo.metrics.embedding_view import penultimate_features
from mia_demo.ui.engine.networks import Networks

Pixels = npt.NDArray[np.uint8]
ByLane = dict[str, npt.NDArray[np.float32]]


def lane_logits(
    names: Sequence[str], photo: Pixels, networks: Networks
) -> Generator[ByLane, None, None]:
    """By lane, logits [C] of a photo [3, S, S]."""
    attacker = networks.attacker()
    batch = normalise(torch.from_numpy(photo)[None].to(networks.compute.device))
    with torch.no_grad():
        logits = {
            name: attacker.lane(name).classifier(batch)[0].float().cpu().numpy() for name in names
        }
    yield logits


def lane_features(
    photos: Mapping[int, tuple[Sequence[str], Pixels]],
    pictures: Mapping[str, Pixels],
    networks: Networks,
) -> Generator[tuple[int | None, ByLane], None, None]:
    """Penultimate features [N, D] by lane.

    Args:
        photos: of identities, [N, 3, S, S], and which lanes are to look at them.
        pictures: by lane its reconstructions, [K, R, R, 3].

    Yields:
        The identity and its features, then None and those of the pictures.
    """

    def features(name: str, images: torch.Tensor) -> npt.NDArray[np.float32]:
        classifier = networks.attacker().lane(name).classifier
        return penultimate_features(classifier, images, networks.compute).numpy()

    for identity, (names, pixels) in photos.items():
        yield identity, {name: features(name, torch.from_numpy(pixels)) for name in names}
    yield (
        None,
        {
            name: features(name, torch.from_numpy(pixels).permute(0, 3, 1, 2))
            for name, pixels in pictures.items()
            if len(pixels)
        },
    )
