"""Gradient stability: the cosine between the gradients of consecutive steps.

The paper's analysis of the optimisation. Near 1, a step continues in the direction of the last one;
near 0, the two directions are unrelated; below 0, they undo each other.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

# Read off the figure on the paper's poster, to about 0.03: mean over many attacks at the start, at
# step 50 and at the end of about 100 steps.
PAPER_COSINES = {0.0: (0.90, 0.88, 0.85), 0.1: (0.80, 0.71, 0.64), -0.05: (0.78, -0.19, -0.45)}
SHARE = 10  # start, middle and end are each a tenth of the curve: single steps are noisy


@dataclass(frozen=True)
class Stability:
    """A curve in four figures: means over its first, middle and last tenth, and over all of it."""

    start: float
    middle: float
    end: float
    mean: float


def mean_over_chunks(values: Sequence[float], steps: int) -> list[float]:
    """One value per step: the mean over the chunks of candidates, which took the steps one by one.

    Missing values (nan) do not count; a step without any other stays nan.
    """
    return [_mean([v for v in values[step::steps] if not math.isnan(v)]) for step in range(steps)]


def summarise(values: Sequence[float]) -> Stability | None:
    """The figures of a curve; None if it has no values but nan."""
    known = [value for value in values if not math.isnan(value)]
    if not known:
        return None
    width = max(len(known) // SHARE, 1)
    first = (len(known) - width) // 2
    return Stability(
        start=_mean(known[:width]),
        middle=_mean(known[first : first + width]),
        end=_mean(known[-width:]),
        mean=_mean(known),
    )


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else math.nan
