"""What classifiers see of the prior's pictures.

A prior may show more around a face than the target's photos do: FFHQ pictures of 1024 px are
cropped to their centred 800 px for FaceScrub and CelebA (paper, and the reference code's
``center_crop`` and ``resize``). Smaller priors of the same framing are cropped in proportion. How
much belongs to the data, not to a preset: every attack on them needs it.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor

from mia_demo.zoo.reading import Zoo

MAX_PICTURE_SIDE = 299  # pixels: what the paper's evaluator sees, and enough to look at


@dataclass(frozen=True)
class Framing:
    """From the prior's picture to a network's input.

    Attributes:
        side: pixels of the centred square that is kept.
    """

    side: int

    @staticmethod
    def of(zoo: Zoo) -> Framing:
        """The framing of the zoo's prior for the zoo's identities."""
        folder = zoo.manifest.folder
        return Framing(round((folder.crop if folder else 1.0) * zoo.entry("prior").input_size))

    @property
    def picture_size(self) -> int:
        """Side of the pictures that are shown, kept and judged."""
        return min(self.side, MAX_PICTURE_SIDE)

    def view(self, images: Tensor, size: int) -> Tensor:
        """[B, 3, R, R] -> centre crop, resized [B, 3, size, size] (differentiable, antialiased)."""
        margin = (images.shape[-1] - self.side) // 2
        if margin:
            images = images[..., margin : margin + self.side, margin : margin + self.side]
        if size == self.side:
            return images
        return F.interpolate(
            images, size=(size, size), mode="bilinear", antialias=True, align_corners=False
        )

    def picture(self, images: Tensor) -> Tensor:
        """[B, 3, R, R] -> float32 [B, 3, P, P], detached."""
        return self.view(images.detach().float(), self.picture_size)


def pixels_seen(zoo: Zoo) -> int:
    """What one picture of an attack costs, in pixels: made by the prior, seen by a classifier."""
    classifiers = [*zoo.entries("evaluator"), *zoo.entries("target")]
    largest = max((entry.input_size for entry in classifiers), default=0)
    return zoo.entry("prior").input_size ** 2 + 2 * largest**2
