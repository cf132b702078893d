"""Figures with their intervals; lanes are compared person by person."""

from __future__ import annotations

import numpy as np
import pytest

from mia_demo.metrics.estimates import (
    Estimate,
    mean_over_identities,
    paired_difference,
    spread_over,
)
from mia_demo.metrics.intervals import bootstrap_interval


def people(*figures: float) -> Estimate:
    return mean_over_identities(np.array(figures))


def test_a_mean_over_identities_keeps_every_identity() -> None:
    found = people(0.25, 0.75, 0.5)
    assert found.value == 0.5
    assert found.per_identity == (0.25, 0.75, 0.5)
    assert found.interval == bootstrap_interval(np.array([0.25, 0.75, 0.5]))
    assert found.refused == ""


def test_one_identity_has_a_figure_but_no_interval_and_says_why() -> None:
    found = people(0.5)
    assert (found.value, found.interval) == (0.5, None)
    assert "at least 2 of them, not 1" in found.refused
    spread = spread_over("seeds", np.array([0.5]))
    assert (spread.means, spread.interval) == ((0.5,), None)
    assert "at least 2 of them, not 1" in spread.refused


def test_what_is_common_to_both_lanes_cancels_out() -> None:
    one, other = people(0.2, 0.9, 0.6), people(0.1, 0.8, 0.5)
    found = paired_difference(one, other)
    assert found.value == pytest.approx(0.1)
    assert found.interval == pytest.approx((0.1, 0.1))
    assert found.is_clear
    assert not paired_difference(one, one).is_clear


def test_a_difference_that_changes_sign_is_not_clear() -> None:
    assert not paired_difference(people(*[0.0, 1.0] * 10), people(*[0.5] * 20)).is_clear


def test_one_identity_gives_no_difference_and_says_why() -> None:
    found = paired_difference(people(0.5), people(0.25))
    assert (found.value, found.interval, found.is_clear) == (None, None, False)
    assert "at least 2" in found.refused
