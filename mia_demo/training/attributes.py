"""Training of the attribute heads."""

from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from mia_demo.data.attributes import definitions
from mia_demo.data.transforms import TrainTransform
from mia_demo.models.attributes import attribute_loss, predicted_values
from mia_demo.models.classifiers import Classifier
from mia_demo.system.device import Compute
from mia_demo.training.classifier import ClassifierTrainer, LabelledImages
from mia_demo.training.config import TrainConfig


@dataclass(frozen=True)
class SofteningTransform:
    """uint8 batch -> float batch in [-1, 1], cropped, mirrored and softened at random.

    Attributes include colours, so hue and saturation stay. The prior's pictures are softer than
    renders: each image is blended with its half-resolution copy, in a random proportion.
    """

    size: int

    def __call__(self, images: Tensor, rng: torch.Generator) -> Tensor:
        kept_colours = TrainTransform(
            self.size, brightness=0.1, contrast=0.1, saturation=0.0, hue=0.0
        )
        x = kept_colours(images, rng)
        coarse = F.interpolate(x, scale_factor=0.5, mode="bilinear", antialias=True)
        soft = F.interpolate(coarse, size=x.shape[-2:], mode="bilinear")
        share = torch.rand(len(x), 1, 1, 1, generator=rng).to(x.device)
        return x.lerp(soft, share)


class AttributeTrainer(ClassifierTrainer):
    """Attribute heads in training: labels are all attributes of every image, int64 [N, A]."""

    def __init__(
        self, heads: Classifier, config: TrainConfig, compute: Compute, train: LabelledImages
    ) -> None:
        super().__init__(heads, config, compute, train)
        self.transform = SofteningTransform(config.input_size)

    def recipe(self) -> dict[str, Any]:
        return attribute_recipe(self.config)

    def loss(self, logits: Tensor, labels: Tensor, alpha: float) -> Tensor:
        return attribute_loss(logits, labels)

    def hits(self, logits: Tensor, labels: Tensor) -> float:
        return (predicted_values(logits) == labels).float().mean(dim=1).sum().item()


def attribute_recipe(config: TrainConfig) -> dict[str, Any]:
    """Settings and definitions: different ones make different heads."""
    return {**config.to_json(), "attributes": definitions()}
