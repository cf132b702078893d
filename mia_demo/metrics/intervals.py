"""95 % intervals: over identities by bootstrap, over seeds by Student's t, of a share by Wilson.

Identities are many and their values far from normal (a face leaks or it does not), so they are
resampled. Seeds are few; their means are averages over all identities, hence close to normal.
A share of a few yes-or-no answers is neither; Wilson's interval holds for it, at 0 and 1 as well.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from mia_demo.errors import ConfigError

BOOTSTRAP_SAMPLES = 2000
NORMAL_QUANTILE = 1.959964  # two-sided, 95 %


def bootstrap_interval(values: npt.NDArray[np.float64]) -> list[float]:
    """Percentile interval of the mean of ``values`` [n], one an identity.

    Raises:
        ConfigError: fewer than two; resampling one value gives that value.
    """
    if len(values) < 2:
        raise ConfigError(
            f"An interval over identities needs at least 2 of them, not {len(values)}."
        )
    rng = np.random.default_rng(0)
    draws = rng.integers(0, len(values), (BOOTSTRAP_SAMPLES, len(values)))
    low, high = np.percentile(values[draws].mean(axis=1), [2.5, 97.5])
    return [float(low), float(high)]


def seed_interval(means: npt.NDArray[np.float64], *, most: float = 1.0) -> list[float]:
    """m ± t s / sqrt(n) of the means [n] of n seeds, clipped to 0..most.

    m is their mean, s their standard deviation (denominator n − 1), and t the two-sided 95 %
    quantile of Student's t with n − 1 degrees of freedom.

    Args:
        means: from 0 to ``most``, one a seed; shares unless said otherwise.

    Raises:
        ConfigError: fewer than two seeds have no spread.
    """
    count = len(means)
    if count < 2:
        raise ConfigError(f"An interval over seeds needs at least 2 of them, not {count}.")
    half = student_t_quantile(count - 1) * means.std(ddof=1) / math.sqrt(count)
    low, high = np.clip([means.mean() - half, means.mean() + half], 0, most)
    return [float(low), float(high)]


def wilson_interval(hits: int, count: int) -> list[float]:
    """Wilson's score interval of the share ``hits / count`` of independent answers.

    With p = hits / n and z the normal quantile:
    (p + z² / 2n ± z sqrt(p (1 − p) / n + z² / 4n²)) / (1 + z² / n).

    Raises:
        ConfigError: no answers.
    """
    if not 0 <= hits <= count or count == 0:
        raise ConfigError(f"{hits} hits of {count} answers have no interval; count some answers.")
    share, z2 = hits / count, NORMAL_QUANTILE**2
    half = NORMAL_QUANTILE * math.sqrt(share * (1 - share) / count + z2 / (4 * count**2))
    low, high = ((share + z2 / (2 * count) + sign * half) / (1 + z2 / count) for sign in (-1, 1))
    return [max(0.0, low), min(1.0, high)]


def student_t_quantile(degrees: int) -> float:
    """The t with P(|T| <= t) = 0.95, found by halving."""
    low, high = 0.0, 13.0  # 12.71 is the largest, of one degree of freedom
    for _ in range(60):
        middle = (low + high) / 2
        if student_t_central_probability(middle, degrees) < 0.95:
            low = middle
        else:
            high = middle
    return high


def student_t_central_probability(t: float, degrees: int) -> float:
    """P(|T| <= t) of Student's t; Abramowitz & Stegun 26.7.3 and 26.7.4.

    Args:
        degrees: of freedom, a whole number from 1.
    """
    theta = math.atan(t / math.sqrt(degrees))
    sine, cosine = math.sin(theta), math.cos(theta)
    odd = degrees % 2
    # The series 1 + 1/2 cos^2 + 1·3/(2·4) cos^4 + ... (even) or cos + 2/3 cos^3 + ... (odd).
    term, series = (cosine if odd else 1.0), 0.0
    for power in range(odd, degrees - 1, 2):
        series += term
        term *= (power + 1) / (power + 2) * cosine**2
    return 2 / math.pi * (theta + sine * series) if odd else sine * series
