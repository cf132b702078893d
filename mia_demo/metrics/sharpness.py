"""How much fine detail pictures carry: power by octave of spatial frequency.

Blur takes power from the finest octaves, speckle and ringing add some. So the power of a prior's
samples over that of real photos says how sharp it draws: 1 is as sharp as the photos, noise
included (Durall et al., "Watch your up-convolution", CVPR 2020, compare spectra likewise).
"""

import torch
from torch import Tensor

from mia_demo.data.transforms import GREY, normalise

SHARPNESS_BATCH = 100


def octave_powers(images: Tensor) -> tuple[float, float]:
    """Mean power in the finest octave, R/4 to R/2 periods a side, and in the next, R/8 to R/4.

    Grey values without their mean, weighted by a Hann window so that the frame's edges add
    nothing; frequencies are radial, diagonal ones above R/2 are left out.

    Args:
        images: uint8 [N, 3, R, R], R at least 16.
    """
    side = images.shape[-1]
    window = torch.hann_window(side, periodic=False)
    window = window[:, None] * window[None]
    vertical = torch.fft.fftfreq(side, 1 / side)
    horizontal = torch.fft.rfftfreq(side, 1 / side)
    radius = (vertical[:, None].square() + horizontal[None].square()).sqrt()
    finest = (radius > side / 4) & (radius <= side / 2)
    second = (radius > side / 8) & (radius <= side / 4)
    weights = torch.tensor(GREY)[:, None, None]
    sums = torch.zeros(2, dtype=torch.float64)
    for part in images.split(SHARPNESS_BATCH):
        grey = (normalise(part) * weights).sum(dim=1)
        grey = (grey - grey.mean(dim=(1, 2), keepdim=True)) * window
        power = torch.fft.rfft2(grey).abs().square()
        sums += torch.stack([power[:, octave].mean(dim=1).sum() for octave in (finest, second)])
    finest_power, second_power = (sums / len(images)).tolist()
    return finest_power, second_power


def sharpness(drawn: Tensor, real: Tensor) -> tuple[float, float]:
    """Power of drawn pictures over that of real ones, in the finest octave and in the next.

    Args:
        drawn, real: uint8 [n, 3, R, R] and [m, 3, R, R], of one size.
    """
    (finest, second), (real_finest, real_second) = octave_powers(drawn), octave_powers(real)
    return finest / real_finest, second / real_second
