"""Transforms of whole batches, with different parameters for every image.

The reference code's training pipeline, scaled to the input size: random resized crop (scale
0.85-1, ratio 1), colour jitter (0.2, 0.2, 0.1, 0.1), mirror, and pixel values in [-1, 1]. Batched
because one torchvision call per image would cost more than the networks here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor

GREY = (0.2989, 0.587, 0.114)  # ITU-R 601 weights, as in torchvision


def normalise(images: Tensor) -> Tensor:
    """uint8 [..., 3, H, W] -> float in [-1, 1]."""
    return images.float() / 127.5 - 1


def to_uint8(images: Tensor) -> Tensor:
    """Float in [-1, 1] (clipped) -> uint8."""
    return ((images.detach().float().clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8)


@dataclass(frozen=True)
class Crops:
    """Random parts of square images, [D] each, as shares of the whole in -1..1.

    Attributes:
        width, height: 1 is the whole side; a negative width mirrors.
        x, y: centres.
    """

    width: Tensor
    height: Tensor
    x: Tensor
    y: Tensor

    @staticmethod
    def draw(
        draws: int,
        scale: tuple[float, float],
        ratio: tuple[float, float],
        rng: torch.Generator,
        *,
        mirror: bool,
    ) -> Crops:
        """Crops of random area and place.

        Args:
            scale: range of the crop's area as a share of the image.
            ratio: range of width / height.
            rng: on the CPU.
            mirror: flip left-right with probability 1/2.
        """
        area = torch.empty(draws).uniform_(*scale, generator=rng)
        aspect = torch.empty(draws).uniform_(*ratio, generator=rng)
        width = (area * aspect).sqrt().clamp(max=1.0)
        height = (area / aspect).sqrt().clamp(max=1.0)
        # A crop of width v may be centred anywhere in +-(1 - v).
        x = (torch.rand(draws, generator=rng) * 2 - 1) * (1 - width)
        y = (torch.rand(draws, generator=rng) * 2 - 1) * (1 - height)
        if mirror:
            width = torch.where(torch.rand(draws, generator=rng) < 0.5, -width, width)
        return Crops(width, height, x, y)


def random_resized_crop(
    images: Tensor,
    size: int,
    scale: tuple[float, float],
    rng: torch.Generator,
    *,
    mirror: bool = False,
) -> Tensor:
    """A square crop for each image, resized to ``size`` (differentiable, bilinear).

    Args:
        images: [B, 3, H, H].
        size: output side in pixels.
        scale, rng, mirror: of ``Crops.draw``.
    """
    crops = Crops.draw(len(images), scale, (1.0, 1.0), rng, mirror=mirror)
    zero = torch.zeros(len(images))
    matrix = torch.stack(
        [
            torch.stack([crops.width, zero, crops.x], dim=1),
            torch.stack([zero, crops.height, crops.y], dim=1),
        ],
        dim=1,
    )
    shape = [len(images), images.shape[1], size, size]
    grid = F.affine_grid(matrix.to(images.device), shape, align_corners=False)
    return F.grid_sample(images.float(), grid, padding_mode="border", align_corners=False)


@dataclass(frozen=True)
class SharedCrop:
    """One crop for a whole batch, resized to the images' own size, as in the attack.

    Rows and columns of a crop are sampled apart, so it is two matrix products, in half the time of
    ``grid_sample`` and equal to it up to rounding.

    Attributes:
        across, down: [H, H], bilinear weights of a line's pixels (columns) in its samples (rows).
    """

    across: Tensor
    down: Tensor

    @staticmethod
    def draw(
        side: int,
        scale: tuple[float, float],
        rng: torch.Generator,
        ratio: tuple[float, float] = (1.0, 1.0),
        *,
        mirror: bool = False,
    ) -> SharedCrop:
        """A crop of images of this ``side``; the others are those of ``Crops.draw``."""
        crop = Crops.draw(1, scale, ratio, rng, mirror=mirror)
        return SharedCrop(
            across=_sampling_matrix(crop.width, crop.x, side),
            down=_sampling_matrix(crop.height, crop.y, side),
        )

    def __call__(self, images: Tensor) -> Tensor:
        """float32 images [B, 3, H, H] -> [B, 3, H, H] (differentiable)."""
        across, down = self.across.to(images.device), self.down.to(images.device)
        return down @ (images @ across.T)


def _sampling_matrix(extent: Tensor, centre: Tensor, side: int) -> Tensor:
    pixels = torch.arange(side, dtype=torch.float32)
    places = extent * ((2 * pixels + 1) / side - 1) + centre  # in -1..1
    places = (((places + 1) * side - 1) / 2).clamp(0, side - 1)
    return (1 - (places[:, None] - pixels).abs()).clamp_min(0)


@dataclass(frozen=True)
class TrainTransform:
    """uint8 batch -> augmented float batch in [-1, 1]."""

    size: int
    crop_scale: tuple[float, float] = (0.85, 1.0)
    brightness: float = 0.2
    contrast: float = 0.2
    saturation: float = 0.1
    hue: float = 0.1

    def __call__(self, images: Tensor, rng: torch.Generator) -> Tensor:
        x = images.float() / 255
        x = random_resized_crop(x, self.size, self.crop_scale, rng, mirror=True)

        def factors(strength: float) -> Tensor:
            return 1 + (torch.rand(len(x), 1, 1, 1, generator=rng) * 2 - 1).to(x.device) * strength

        x = adjust_brightness(x, factors(self.brightness))
        x = adjust_contrast(x, factors(self.contrast))
        x = adjust_saturation(x, factors(self.saturation))
        x = adjust_hue(x, factors(self.hue) - 1)
        return x * 2 - 1


REFERENCE = "reference"
# Augmentations of a training by name: the reference code's, or mirroring alone.
AUGMENTATIONS: dict[str, Callable[[int], TrainTransform]] = {
    REFERENCE: TrainTransform,
    "mirror": partial(
        TrainTransform,
        crop_scale=(1.0, 1.0),
        brightness=0.0,
        contrast=0.0,
        saturation=0.0,
        hue=0.0,
    ),
}


def adjust_brightness(images: Tensor, factor: Tensor) -> Tensor:
    """images in [0, 1], factor [B, 1, 1, 1]; likewise the next three."""
    return (images * factor).clamp(0, 1)


def adjust_contrast(images: Tensor, factor: Tensor) -> Tensor:
    mean = _grey(images).mean(dim=(1, 2, 3), keepdim=True)
    return (images * factor + mean * (1 - factor)).clamp(0, 1)


def adjust_saturation(images: Tensor, factor: Tensor) -> Tensor:
    return (images * factor + _grey(images) * (1 - factor)).clamp(0, 1)


def adjust_hue(images: Tensor, shift: Tensor) -> Tensor:
    """Rotates the hue by ``shift`` (share of the circle) at constant HSV saturation and value."""
    red, green, blue = images.unbind(dim=1)
    value = images.amax(dim=1)
    chroma = value - images.amin(dim=1)
    safe = torch.where(chroma == 0, torch.ones_like(chroma), chroma)
    sector = torch.where(
        value == red,
        ((green - blue) / safe) % 6,
        torch.where(value == green, (blue - red) / safe + 2, (red - green) / safe + 4),
    )
    sector = sector + shift.reshape(-1, 1, 1) * 6
    # HSV to RGB in closed form: channel n is V - C * clip(min(k, 4 - k), 0, 1), k = (n + H') mod 6.
    offsets = torch.tensor([5.0, 3.0, 1.0], device=images.device).reshape(1, 3, 1, 1)
    k = (offsets + sector.unsqueeze(1)) % 6
    return value.unsqueeze(1) - chroma.unsqueeze(1) * torch.minimum(k, 4 - k).clamp(0, 1)


def _grey(images: Tensor) -> Tensor:
    weights = torch.tensor(GREY, device=images.device).reshape(1, 3, 1, 1)
    return (images * weights).sum(dim=1, keepdim=True)
