"""Photos made as soft and smudged as the half-size prior draws: what the restorer learns from."""

import torch
import torch.nn.functional as F
from torch import Tensor

WARP_GRID = 10  # points across, each moved on its own
MAX_WARP = 0.5  # of a pixel at half size
BLOB_GRIDS = (10, 28)  # coloured blobs, across: from, to
MAX_COLOUR = 0.3
MAX_NOISE = 0.02


def degrade(photos: Tensor, rng: torch.Generator) -> Tensor:
    """Halves photos, and blurs, warps, tints and smudges them a little.

    How strongly they are blurred and warped is drawn once for all; where, and in which colours, for
    each photo.

    Args:
        photos: [B, 3, R, R] in [-1, 1].

    Returns:
        [B, 3, R / 2, R / 2].
    """
    amount = _Amounts(rng, photos.device)
    x = blurred(F.avg_pool2d(photos, 2), 0.2 + 0.7 * amount.one())
    x = _warped(x, amount)
    low, high = BLOB_GRIDS
    colours = amount.field(x, 3, low + round((high - low) * amount.one()))
    colours = colours - 0.7 * colours.mean(dim=1, keepdim=True)
    tinted = 0.04 * amount.each(x) + MAX_COLOUR * amount.each(x) * amount.mask(x, 10, 0.15)
    x = x + colours * tinted
    x = x + (blurred(x, 1 + amount.one()) - x) * amount.mask(x, 8, 0.3) * amount.each(x)
    noise = torch.randn(x.shape, generator=rng).to(x.device)
    return x + noise * (MAX_NOISE * amount.one())


def blurred(images: Tensor, deviation: float) -> Tensor:
    """Gaussian blur; ``deviation`` in pixels, up to about 2."""
    steps = torch.arange(-3, 4, device=images.device).float()
    line = (-(steps**2) / (2 * deviation**2)).exp()
    line = line / line.sum()
    kernel = (line[:, None] * line[None])[None, None].repeat(images.shape[1], 1, 1, 1)
    padded = F.pad(images, (3,) * 4, mode="reflect")
    return F.conv2d(padded, kernel, groups=images.shape[1])


class _Amounts:
    """Random numbers, smooth fields and soft masks, all from one generator."""

    def __init__(self, rng: torch.Generator, device: torch.device) -> None:
        self.rng = rng
        self.device = device

    def one(self) -> float:
        return torch.rand(1, generator=self.rng).item()

    def each(self, images: Tensor) -> Tensor:
        """[B, 1, 1, 1] in [0, 1]."""
        return torch.rand(len(images), 1, 1, 1, generator=self.rng).to(self.device)

    def field(self, images: Tensor, channels: int, grid: int) -> Tensor:
        """[B, channels, R, R], normal at ``grid`` points across and smooth between them."""
        points = torch.randn(len(images), channels, grid, grid, generator=self.rng)
        return F.interpolate(points.to(self.device), images.shape[-1], mode="bicubic")

    def mask(self, images: Tensor, grid: int, share: float) -> Tensor:
        """[B, 1, R, R] in [0, 1]: blobs on 5 % of a picture for a share of 0.15, 18 % for 0.3."""
        return torch.sigmoid((self.field(images, 1, grid) - 2 * (1 - 2 * share)) * 6)


def _warped(images: Tensor, amount: _Amounts) -> Tensor:
    # affine_grid counts in units of half the width.
    moved = amount.field(images, 2, WARP_GRID) * MAX_WARP * amount.one() * 2 / images.shape[-1]
    straight = torch.eye(2, 3, device=images.device).repeat(len(images), 1, 1)
    grid = F.affine_grid(straight, list(images.shape), align_corners=False)
    return F.grid_sample(
        images, grid + moved.permute(0, 2, 3, 1), padding_mode="reflection", align_corners=False
    )
