"""Intervals by hand and against scipy."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from mia_demo.errors import ConfigError
from mia_demo.metrics.intervals import bootstrap_interval, student_interval


def test_bootstrap_interval_contains_the_mean_and_narrows() -> None:
    values = np.array([0.0, 1.0] * 50)
    low, high = bootstrap_interval(values)
    assert low < 0.5 < high
    assert high - low == pytest.approx(2 * 1.96 * 0.05, rel=0.15)


def test_bootstrap_interval_against_scipy() -> None:
    values = np.random.default_rng(3).gamma(2.0, size=60)
    theirs = stats.bootstrap(
        (values,), np.mean, n_resamples=20_000, method="percentile", rng=np.random.default_rng(1)
    ).confidence_interval
    # Two random draws of a percentile: equal within a few hundredths of the width.
    width = theirs.high - theirs.low
    assert bootstrap_interval(values) == pytest.approx((theirs.low, theirs.high), abs=0.05 * width)


def test_student_interval_by_hand() -> None:
    # Mean 0.5, deviations -0.1, 0, 0.1: s = 0.1; t of two degrees of freedom is 4.3027.
    half = 4.30265273 * 0.1 / math.sqrt(3)
    assert student_interval(np.array([0.4, 0.5, 0.6])) == pytest.approx((0.5 - half, 0.5 + half))


def test_student_interval_stays_a_share() -> None:
    assert student_interval(np.array([0.9, 1.0])) == (
        pytest.approx(0.95 - 12.7062 * 0.05, abs=1e-5),
        1,
    )
    assert student_interval(np.array([0.7, 0.7, 0.7])) == pytest.approx((0.7, 0.7))


def test_student_interval_against_scipy() -> None:
    means = np.array([0.61, 0.66, 0.58, 0.71, 0.64])
    theirs = stats.t.interval(0.95, 4, loc=means.mean(), scale=stats.sem(means))
    assert student_interval(means) == pytest.approx(tuple(theirs), abs=1e-12)


@pytest.mark.parametrize("interval", [bootstrap_interval, student_interval])
@pytest.mark.parametrize("count", [0, 1])
def test_too_few_are_refused(interval, count: int) -> None:
    with pytest.raises(ConfigError, match=f"at least 2 of them, not {count}"):
        interval(np.ones(count))


def test_a_refusal_names_what_there_are_too_few_of() -> None:
    with pytest.raises(ConfigError, match="over trainings needs at least 2"):
        student_interval(np.ones(1), over="trainings")
