"""The judges of a zoo: its evaluator and face embedder, and its attribute heads."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from mia_demo.data.attributes import true_values
from mia_demo.data.transforms import normalise
from mia_demo.errors import ConfigError, DataError
from mia_demo.metrics.attributes import Shares, base_rates, right_values, shares
from mia_demo.metrics.judge import Verdict, squared_distances, verdict_on
from mia_demo.models.attributes import predicted_values
from mia_demo.sweep.known_photos import KnownPhotos
from mia_demo.system.device import Compute
from mia_demo.training.classifier import LabelledImages, predict
from mia_demo.zoo.reading import Zoo

MAX_NAMED = 10  # people in a message


class Judge:
    """Evaluator and face embedder, frozen, with the identities' training images.

    Attributes:
        checkpoints: sha256 of both networks, so that a verdict names its judges.
    """

    def __init__(self, zoo: Zoo, compute: Compute) -> None:
        self.compute = compute
        self.zoo = zoo
        self.evaluator = compute.place(zoo.load_classifier("evaluator"))
        self.embedder = compute.place(zoo.load_embedder())
        self.checkpoints = {
            name: zoo.entry(name).stored.sha256 for name in ("evaluator", "embedder")
        }
        self._identities = zoo.identities()
        self._references: dict[int, tuple[Tensor, Tensor]] = {}

    def check(self, identities: Sequence[int]) -> None:
        """Whether reconstructions of all these can be judged.

        Raises:
            ConfigError: somebody has no training photos.
        """
        known = {label for label, _ in self.zoo.split_items(self._identities)["train"]}
        everybody = set(range(len(self._identities)))
        if unknown := sorted((set(identities) & everybody) - known):
            named = ", ".join(map(str, unknown[:MAX_NAMED]))
            raise ConfigError(
                "Without training photos nobody can be judged; leave out "
                f"{named}{' …' if len(unknown) > MAX_NAMED else ''}."
            )

    def judge(self, images: npt.NDArray[np.uint8], identity: int) -> Verdict:
        """Judges reconstructions uint8 [K, R, R, 3] that should show ``identity``.

        Raises:
            ConfigError: there are none.
        """
        if not len(images):
            raise ConfigError("A verdict needs at least 1 reconstruction, not 0.")
        reference_features, reference_embeddings = self._reference(identity)
        batch = torch.from_numpy(images).permute(0, 3, 1, 2)
        return verdict_on(
            identity,
            self._run(self.evaluator, batch),
            squared_distances(self._run(self.evaluator.features, batch), reference_features),
            squared_distances(self._run(self.embedder, batch), reference_embeddings),
        )

    def evaluator_logits(self, images: npt.NDArray[np.uint8]) -> Tensor:
        """The evaluator's logits [K, C] of images uint8 [K, R, R, 3]."""
        return self._run(self.evaluator, torch.from_numpy(images).permute(0, 3, 1, 2))

    def evaluator_features(self, images: npt.NDArray[np.uint8]) -> Tensor:
        """The evaluator's features [K, D] of images uint8 [K, R, R, 3]."""
        return self._run(self.evaluator.features, torch.from_numpy(images).permute(0, 3, 1, 2))

    def _reference(self, identity: int) -> tuple[Tensor, Tensor]:
        if identity not in self._references:
            images, _ = self._identities.tensors(
                self.evaluator.input_size,
                labels=[identity],
                indices=self.zoo.images_of(self._identities, identity, "train"),
            )
            self._references[identity] = (
                self._run(self.evaluator.features, images),
                self._run(self.embedder, images),
            )
        return self._references[identity]

    @torch.no_grad()
    def _run(self, network: Callable[[Tensor], Tensor], images: Tensor) -> Tensor:
        batch = normalise(images.to(self.compute.device))
        with self.compute.autocast():
            output = network(batch.contiguous(memory_format=torch.channels_last))
        return output.float().cpu()


class AttributeJudge:
    """The heads of a zoo and the ground truth of its identities.

    Raises:
        ConfigError: the zoo has no heads.
        DataError: its identities have no ground truth.
    """

    def __init__(self, zoo: Zoo, compute: Compute) -> None:
        if not zoo.entries("attributes"):
            raise ConfigError(f"The zoo {zoo.root} has no attribute heads; run make-zoo.")
        self.zoo = zoo
        self.compute = compute
        self._identities = zoo.identities()
        self.truth = true_values(self._identities)
        self.heads = compute.place(zoo.load_attribute_heads())

    def right(self, images: LabelledImages) -> Tensor:
        """1 where an image shows the right value, 0 where not, nan where none applies: [N, A].

        Labels are the identities that the images should show.
        """
        predicted = predicted_values(predict(self.heads, images.images, self.compute))
        return right_values(predicted, self.truth[images.labels])

    def shares(self, images: npt.NDArray[np.uint8], identity: int) -> Shares:
        """Of one attack's reconstructions uint8 [K, R, R, 3]."""
        batch = torch.from_numpy(images).permute(0, 3, 1, 2)
        return shares(self.right(LabelledImages(batch, torch.full((len(batch),), identity))))

    def reference(self, identities: Sequence[int]) -> dict[str, dict[str, Any]]:
        """By attribute, what shares of these identities are to be compared with, as JSON.

        ``base_value`` and ``base_rate``: the commonest value among them, and its share.
        ``real_test_accuracy``: of the heads, on real test images of them. ``held_out_accuracy``: of
        the heads, on public identities that they were not trained on. Attributes that apply to none
        are left out.
        """
        (entry,) = self.zoo.entries("attributes")
        photos = KnownPhotos(self.zoo, self.heads.input_size, self.compute)
        measured = shares(self.right(photos.photos_of(set(identities), "test")))
        return {
            name: {
                "base_value": value,
                "base_rate": rate,
                "real_test_accuracy": measured[name],
                "held_out_accuracy": entry.training.held_out_accuracy[name],
            }
            for name, (value, rate) in base_rates(self.truth[list(identities)]).items()
        }


def open_attribute_judge(zoo: Zoo, compute: Compute) -> tuple[AttributeJudge | None, str]:
    """The judge, or None and the reason why there is none."""
    try:
        return AttributeJudge(zoo, compute), ""
    except (ConfigError, DataError) as error:
        return None, str(error)
