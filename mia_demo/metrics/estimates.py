"""Figures with what is known of their uncertainty."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from mia_demo.errors import ConfigError
from mia_demo.metrics.intervals import Interval, bootstrap_interval, student_interval


@dataclass(frozen=True)
class Spread:
    """The means of a few repetitions of an experiment.

    Attributes:
        over: what was repeated: ``seeds`` of the attack or ``trainings`` of the target.
        means: one per repetition, each over all identities.
        interval: Student's t, 95 %; None with fewer than two repetitions.
        refused: why there is no interval.
    """

    over: str
    means: tuple[float, ...]
    interval: Interval | None = None
    refused: str = ""


@dataclass(frozen=True)
class Estimate:
    """A figure.

    Attributes:
        value: None where it could not be computed honestly, or was never measured.
        interval: 95 %, over identities; None where the figure has none.
        per_identity: the figure of every identity, where it is a mean over them.
        refused: why there is no value, or no interval.
        spread: the same figure over repetitions of the experiment.
    """

    value: float | None
    interval: Interval | None = None
    per_identity: tuple[float, ...] = ()
    refused: str = ""
    spread: Spread | None = None

    @property
    def known(self) -> float:
        """The value, for callers who know that there is one."""
        assert self.value is not None
        return self.value

    @property
    def is_clear(self) -> bool:
        """Of a difference: whether the interval excludes 0."""
        return self.interval is not None and (self.interval[0] > 0 or self.interval[1] < 0)


def mean_over_identities(
    people: npt.NDArray[Any], *, value: float | None = None, spread: Spread | None = None
) -> Estimate:
    """The mean of a figure over identities, with its bootstrap interval.

    Args:
        people: the figure of every identity, [I].
        value: the mean, where it was computed from finer figures than these.
    """
    mean = float(people.mean()) if value is None else value
    interval, refused = _attempt(bootstrap_interval, people)
    return Estimate(mean, interval, tuple(people.tolist()), refused, spread)


def spread_over(what: str, means: npt.NDArray[np.float64], *, most: float = 1.0) -> Spread:
    """The spread of means [n] over n ``seeds`` or ``trainings``; see ``student_interval``."""
    interval, refused = _attempt(student_interval, means, over=what, most=most)
    return Spread(what, tuple(means.tolist()), interval, refused)


def paired_difference(one: Estimate, other: Estimate) -> Estimate:
    """``one`` minus ``other``, identity by identity.

    Some people are easy to reconstruct and some are hard, whatever the lane. That spread is in the
    interval of either lane and cancels out of the difference, so lanes are compared by the
    bootstrap of their paired differences, never by whether their own intervals overlap. Fewer than
    two identities give no difference.
    """
    differences = np.array(one.per_identity) - np.array(other.per_identity)
    interval, refused = _attempt(bootstrap_interval, differences)
    return Estimate(float(differences.mean()) if interval else None, interval, refused=refused)


def _attempt(
    make: Callable[..., Interval], *values: Any, **options: Any
) -> tuple[Interval | None, str]:
    """An interval, or why there is none."""
    try:
        return make(*values, **options), ""
    except ConfigError as error:
        return None, str(error)
