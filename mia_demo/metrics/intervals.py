"""95 % intervals: over identities by bootstrap, over seeds by Student's t, of a share by Wilson.

Identities are many and their values far from normal (a face leaks or it does not), so they are
resampled. Seeds are few; their means are averages over all identities, hence close to normal.
A share of a few yes-or-no answers is neither; Wilson's interval holds for it, at 0 and 1 as well.

scipy takes a second to import, so it waits until an interval is asked for.
"""

import math

import numpy as np
import numpy.typing as npt

from mia_demo.errors import ConfigError

BOOTSTRAP_SAMPLES = 2000
LEVEL = 0.95

Interval = tuple[float, float]


def bootstrap_interval(values: npt.NDArray[np.float64]) -> Interval:
    """Percentile interval of the mean of ``values`` [n], one per identity.

    ``scipy.stats.bootstrap`` does the same but draws other resamples, which would change every
    recorded interval.

    Raises:
        ConfigError: fewer than two; resampling one value gives that value.
    """
    if len(values) < 2:
        raise ConfigError(
            f"An interval over identities needs at least 2 of them, not {len(values)}."
        )
    rng = np.random.default_rng(0)
    draws = rng.integers(0, len(values), (BOOTSTRAP_SAMPLES, len(values)))
    upper = 50 * (1 + LEVEL)
    low, high = np.percentile(values[draws].mean(axis=1), [100 - upper, upper])
    return float(low), float(high)


def student_interval(
    means: npt.NDArray[np.float64], *, over: str = "seeds", most: float = 1.0
) -> Interval:
    """m ± t s / sqrt(n) of the means [n] of n seeds or trainings, clipped to 0..most.

    m is their mean, s their standard deviation (denominator n − 1), and t the two-sided 95 %
    quantile of Student's t with n − 1 degrees of freedom.

    Args:
        means: from 0 to ``most``, one per seed or training; shares unless said otherwise.
        over: ``seeds`` or ``trainings``, for the message.

    Raises:
        ConfigError: fewer than two have no spread.
    """
    from scipy.special import stdtrit

    count = len(means)
    if count < 2:
        raise ConfigError(f"An interval over {over} needs at least 2 of them, not {count}.")
    half = stdtrit(count - 1, (1 + LEVEL) / 2) * means.std(ddof=1) / math.sqrt(count)
    low, high = np.clip([means.mean() - half, means.mean() + half], 0, most)
    return float(low), float(high)


def wilson_interval(hits: int, count: int) -> Interval:
    """Wilson's score interval (1927) of the share p = ``hits / count`` of independent answers.

    (p + z²/2n ± z sqrt(p(1 − p)/n + z²/4n²)) / (1 + z²/n), n = ``count``, z the 97.5 % quantile of
    the normal distribution; within 0..1.

    Raises:
        ConfigError: no answers, or more hits than answers.
    """
    from scipy.stats import binomtest

    if not 0 <= hits <= count or count == 0:
        raise ConfigError(f"{hits} hits of {count} answers have no interval; count some answers.")
    found = binomtest(hits, count).proportion_ci(LEVEL, method="wilson")
    return float(found.low), float(found.high)


def best_difference_interval(
    ones: npt.NDArray[np.float64], others: npt.NDArray[np.float64]
) -> Interval:
    """Percentile interval of max_a mean_i ones − max_b mean_i others, over resampled identities.

    Which of several is best is chosen anew in each resample: to have chosen it is part of the
    uncertainty.

    Args:
        ones, others: [I, A] and [I, B], the figure of every identity, the same in both.

    Raises:
        ConfigError: fewer than two identities.
    """
    if len(ones) < 2:
        raise ConfigError(f"An interval over identities needs at least 2 of them, not {len(ones)}.")
    draws = np.random.default_rng(0).integers(0, len(ones), (BOOTSTRAP_SAMPLES, len(ones)))
    best, rest = (table[draws].mean(axis=1).max(axis=1) for table in (ones, others))
    upper = 50 * (1 + LEVEL)
    low, high = np.percentile(best - rest, [100 - upper, upper])
    return float(low), float(high)
