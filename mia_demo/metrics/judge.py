"""Who is in the picture? Two judges that the attack never saw.

The evaluator (other architecture, same identities) gives Acc@1 and Acc@5; distances in its
features (delta_eval) and in the face embedder's (delta_face, trained on other people) say how
close a reconstruction comes to the identity's training images. Paper, section 4 and appendix.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from mia_demo.data.transforms import normalise
from mia_demo.errors import ConfigError
from mia_demo.system.device import Compute
from mia_demo.zoo.reading import Zoo


@dataclass(frozen=True)
class Verdict:
    """Judgement of the K reconstructions of one identity.

    Attributes:
        top1: [K] the identity the evaluator sees.
        acc1, acc5: share of reconstructions with the true identity first, among the first five.
        delta_eval, delta_face: squared L2 distance of features to the nearest training image of
            the identity, mean over reconstructions; lower means more leakage.
        nearest: [K] index of that training image, by the face embedder.
    """

    top1: tuple[int, ...]
    acc1: float
    acc5: float
    delta_eval: float
    delta_face: float
    nearest: tuple[int, ...]


class Judge:
    """Evaluator and face embedder, frozen, with the identities' training images.

    Attributes:
        checkpoints: sha256 of both networks, so that a verdict can tell who spoke it.
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

    def judge(self, images: npt.NDArray[np.uint8], identity: int) -> Verdict:
        """Judges reconstructions uint8 [K, R, R, 3] that should show ``identity``.

        Raises:
            ConfigError: there are none.
        """
        if not len(images):
            raise ConfigError("A verdict needs at least 1 reconstruction, not 0.")
        batch = torch.from_numpy(images).permute(0, 3, 1, 2)
        logits = self._run(self.evaluator, batch)
        ranked = logits.argsort(dim=1, descending=True)
        reference_features, reference_embeddings = self._reference(identity)
        features = squared_distances(self._run(self.evaluator.features, batch), reference_features)
        faces = squared_distances(self._run(self.embedder, batch), reference_embeddings)
        return Verdict(
            top1=tuple(ranked[:, 0].tolist()),
            acc1=(ranked[:, 0] == identity).float().mean().item(),
            acc5=(ranked[:, :5] == identity).any(dim=1).float().mean().item(),
            delta_eval=features.amin(dim=1).mean().item(),
            delta_face=faces.amin(dim=1).mean().item(),
            nearest=tuple(faces.argmin(dim=1).tolist()),
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


def squared_distances(left: Tensor, right: Tensor) -> Tensor:
    """[n, D] x [m, D] -> squared Euclidean distances [n, m]."""
    return (left[:, None] - right[None]).square().sum(dim=2)
