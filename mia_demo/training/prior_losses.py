"""Losses of the prior's training: likeness of pictures, and of distributions of styles."""

import torch
import torch.nn.functional as F
from torch import Tensor

PIXEL_SCALES = (1, 2, 4)


def pixel_error(reconstruction: Tensor, image: Tensor) -> Tensor:
    """Mean absolute error, averaged over full, half and quarter size, so that shape counts."""
    errors = [
        (F.avg_pool2d(reconstruction, scale) - F.avg_pool2d(image, scale)).abs().mean()
        for scale in PIXEL_SCALES
    ]
    return torch.stack(errors).mean()


def energy_distance(x: Tensor, y: Tensor) -> Tensor:
    """Energy distance of two samples, unbiased; 0 in expectation only for equal distributions.

    2 E|X - Y| - E|X - X'| - E|Y - Y'| (Székely and Rizzo, 2013).

    Args:
        x, y: [n, D] and [m, D], with n and m at least 2.
    """

    def within(points: Tensor) -> Tensor:
        count = len(points)
        return torch.cdist(points, points).sum() / (count * (count - 1))

    return 2 * torch.cdist(x, y).mean() - within(x) - within(y)


def augment(
    images: Tensor, rng: torch.Generator, *, translation: float, brightness: float
) -> Tensor:
    """Random shift and brightness per image, differentiable (Zhao et al., NeurIPS 2020).

    Args:
        images: [B, 3, R, R] in [-1, 1].
        translation: largest shift, as a share of the width.
        brightness: largest value added.
    """
    batch = len(images)
    # affine_grid counts in units of half the width.
    shift = (torch.rand(batch, 2, 1, generator=rng) * 2 - 1) * translation * 2
    matrix = torch.cat([torch.eye(2).repeat(batch, 1, 1), shift], dim=2).to(images.device)
    grid = F.affine_grid(matrix, list(images.shape), align_corners=False)
    moved = F.grid_sample(images.float(), grid, padding_mode="reflection", align_corners=False)
    light = (torch.rand(batch, 1, 1, 1, generator=rng) * 2 - 1) * brightness
    return moved + light.to(images.device)
