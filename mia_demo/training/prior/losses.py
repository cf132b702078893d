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


def colour_error(reconstruction: Tensor, image: Tensor) -> Tensor:
    """Mean absolute error of what is left of each pixel without its brightness."""

    def colour(x: Tensor) -> Tensor:
        return x - x.mean(dim=1, keepdim=True)

    return (colour(reconstruction) - colour(image)).abs().mean()


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
