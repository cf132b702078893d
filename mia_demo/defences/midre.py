"""MIDRE: no picture is ever shown whole.

Nguyen et al., "Model Inversion Defense via Random Erasing" (TMLR 2025). From every training
picture a square of a tenth to four tenths of its area, anywhere in it, is filled with one colour,
ImageNet's mean in their code. What the classifier never sees together, the attack cannot ask it
for.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from mia_demo.defences.defence import Defence, Step, strength
from mia_demo.errors import ConfigError

IMAGENET_MEAN = (0.485, 0.456, 0.406)  # of 0..1


@dataclass(frozen=True)
class Midre(Defence):
    """Random erasing of every training picture."""

    name = "midre"
    title = "MIDRE"

    least_area: float = strength(0.1, 0.0, 1.0, "The least erased share of the area")
    most_area: float = strength(0.4, 0.0, 1.0, "The greatest erased share of the area")

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.least_area > self.most_area:
            raise ConfigError("The least erased share of the area must not exceed the greatest.")

    def objective(self, step: Step) -> tuple[Tensor, Tensor]:
        images = erase_squares(step.images, self.least_area, self.most_area)
        return step.loss(images, step.labels)


def erase_squares(images: Tensor, least_area: float, most_area: float) -> Tensor:
    """A copy of images [B, 3, S, S] in [-1, 1] with a square of its own erased from each."""
    count, _, _, size = images.shape
    area = torch.empty(count).uniform_(least_area, most_area)
    side = (area.sqrt() * size).round()
    start = (torch.rand(2, count) * (size - side + 1)).floor()
    places = torch.arange(size)
    inside = (places >= start[..., None]) & (places < (start + side)[..., None])  # [2, B, S]
    erased = (inside[0, :, :, None] & inside[1, :, None, :])[:, None].to(images.device)
    colour = torch.tensor(IMAGENET_MEAN, device=images.device) * 2 - 1
    return torch.where(erased, colour.to(images.dtype)[:, None, None], images)
