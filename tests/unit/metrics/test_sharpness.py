"""Power by octave, on pictures whose frequencies are known."""

import math

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from mia_demo.metrics.sharpness import octave_powers, sharpness


def waves(periods: float, *, contrast: float = 0.5, side: int = 64) -> Tensor:
    """Grey pictures of a wave along each axis: uint8 [2, 3, side, side]."""
    line = torch.sin(torch.arange(side) * 2 * math.pi * periods / side)
    values = ((1 + contrast * line) * 127.5).round().to(torch.uint8)
    across = values.expand(side, side)
    return torch.stack([across, across.T])[:, None].repeat(1, 3, 1, 1)


def noise(count: int, side: int = 64) -> Tensor:
    rng = torch.Generator().manual_seed(0)
    return (127.5 + 30 * torch.randn(count, 3, side, side, generator=rng)).clamp(0, 255).byte()


@pytest.mark.parametrize(("periods", "octave"), [(24, 0), (12, 1), (4, None)])
def test_a_wave_has_its_power_in_its_own_octave(periods: int, octave: int | None) -> None:
    powers = octave_powers(waves(periods))
    loud = octave_powers(waves(24))[0]
    for index, power in enumerate(powers):
        assert (power > 0.1 * loud) == (index == octave)


def test_power_grows_with_the_square_of_the_contrast() -> None:
    finest, _ = sharpness(waves(24, contrast=0.8), waves(24, contrast=0.4))
    assert finest == pytest.approx(4, rel=0.05)


def test_a_picture_is_as_sharp_as_itself_and_blur_takes_the_finest_octave_first() -> None:
    pictures = noise(8)
    assert sharpness(pictures, pictures) == (1, 1)
    blurred = F.avg_pool2d(pictures.float(), 3, stride=1, padding=1, count_include_pad=False)
    finest, second = sharpness(blurred.byte(), pictures)
    assert finest < 0.15
    assert finest < second < 0.7


def test_neither_brightness_nor_the_frame_counts() -> None:
    grey = torch.full((2, 3, 64, 64), 200, dtype=torch.uint8)
    slope = torch.linspace(0, 255, 64).byte().expand(2, 3, 64, 64)  # jumps where it would repeat
    wave = octave_powers(waves(24, contrast=0.1))[0]
    assert octave_powers(grey) == (0, 0)
    assert octave_powers(slope)[0] < 0.01 * wave
