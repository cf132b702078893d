"""Through which views of its picture a gradient attack asks the classifier.

Plug & Play looks through one random crop a step. Where a classifier's gradient points another way
at every place (a mask), the mean over K altered copies follows what they have in common: AlignMI
(NeurIPS 2025), whose authors take K = 50,

    g = 1/K sum_k grad_x loss(f(A_k(x)), y)

and one pass back through the prior. PAA adds Gaussian noise of 5 % of the range of pixels to the
crop, TAA crops, stretches, mirrors and turns the picture.

One draw of K copies a step serves all candidates and lanes.
"""

import math
from collections.abc import Callable
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor

from mia_demo.data.transforms import Crops, SharedCrop

NOISE = 0.05 * 2  # of pixels in -1..1
CROP_AREAS = (0.8, 1.0)
CROP_STRETCH = (0.9, 1.1)
MAX_DEGREES = 5.0

Alteration = Callable[[Tensor], Tensor]  # pictures [n, 3, S, S] -> K * n views, copy by copy


def one_crop(side: int, crop_scale: float, copies: int, rng: torch.Generator) -> Alteration:
    """The same random crop for all pictures; more copies would be equal."""
    return SharedCrop.draw(side, (crop_scale, 1.0), rng)


def noisy_copies(side: int, crop_scale: float, copies: int, rng: torch.Generator) -> Alteration:
    """PAA: the crop with different noise in each copy."""
    crop = SharedCrop.draw(side, (crop_scale, 1.0), rng)
    noise = NOISE * torch.randn(copies, 1, 3, side, side, generator=rng)
    return lambda pictures: (crop(pictures) + noise.to(pictures.device)).flatten(0, 1)


def transformed_copies(
    side: int, crop_scale: float, copies: int, rng: torch.Generator
) -> Alteration:
    """TAA: crops of at least 80 % of the area, a tenth wider or higher, mirrored, turned by 5°.

    Its crops are its own: ``crop_scale`` does not matter.
    """
    crops = Crops.draw(copies, CROP_AREAS, CROP_STRETCH, rng, mirror=True)
    angle = (torch.rand(copies, generator=rng) * 2 - 1) * math.radians(MAX_DEGREES)
    rows = [
        torch.stack([crops.width * angle.cos(), -crops.height * angle.sin(), crops.x], dim=1),
        torch.stack([crops.width * angle.sin(), crops.height * angle.cos(), crops.y], dim=1),
    ]
    return partial(_sampled, torch.stack(rows, dim=1))


def _sampled(matrices: Tensor, pictures: Tensor) -> Tensor:
    """Every picture [n, 3, S, S] under every map [K, 2, 3] from places of the view to its own."""
    maps = matrices.to(pictures.device).repeat_interleave(len(pictures), dim=0)
    every = pictures.float().repeat(len(matrices), 1, 1, 1)
    grid = F.affine_grid(maps, list(every.shape), align_corners=False)
    return F.grid_sample(every, grid, padding_mode="border", align_corners=False)


ALTERATIONS: dict[str, Callable[[int, float, int, torch.Generator], Alteration]] = {
    "crop": one_crop,
    "noise": noisy_copies,
    "transforms": transformed_copies,
}
