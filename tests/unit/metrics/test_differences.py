"""Lanes are compared person by person."""

from __future__ import annotations

from typing import Any

import pytest

from mia_demo.errors import ConfigError
from mia_demo.metrics.differences import compare_with_zero, paired_difference


def row(lane: str, alpha: float, people: list[float]) -> dict[str, Any]:
    return {
        "lane": lane,
        "alpha": alpha,
        "acc1_identities": people,
        "face_rank1_identities": people,
        "delta_face_identities": people,
        "refused": {},
    }


def test_what_is_common_to_both_lanes_cancels_out() -> None:
    one, other = row("a", 0.1, [0.2, 0.9, 0.6]), row("b", 0, [0.1, 0.8, 0.5])
    found = paired_difference(one, other, "acc1")
    assert found.mean == pytest.approx(0.1)
    assert found.interval == pytest.approx([0.1, 0.1])
    assert found.is_clear
    assert not paired_difference(one, one, "acc1").is_clear


def test_a_difference_that_changes_sign_is_not_clear() -> None:
    one, other = row("a", 0.1, [0.0, 1.0] * 10), row("b", 0, [0.5] * 20)
    assert not paired_difference(one, other, "acc1").is_clear


def test_every_lane_is_compared_with_the_one_without_smoothing() -> None:
    rows = [row("a", 0.1, [0.5, 0.5]), row("zero", 0, [0.25, 0.25]), row("c", -0.05, [0.0, 0.0])]
    compare_with_zero(rows)
    assert rows[0]["acc1_difference"] == 0.25
    assert rows[2]["face_rank1_difference_ci95"] == [-0.25, -0.25]
    assert "acc1_difference" not in rows[1]


def test_one_identity_gives_no_interval_and_says_why() -> None:
    rows = [row("a", 0.1, [0.5]), row("zero", 0, [0.25])]
    with pytest.raises(ConfigError, match="at least 2"):
        paired_difference(rows[0], rows[1], "acc1")
    compare_with_zero(rows)
    assert rows[0]["acc1_difference"] is None
    assert "at least 2" in rows[0]["refused"]["acc1_difference"]


def test_without_a_plain_classifier_there_is_nothing_to_compare_with() -> None:
    rows = [row("a", 0.1, [0.5, 0.5]), row("c", -0.05, [0.0, 0.0])]
    compare_with_zero(rows)
    assert "acc1_difference" not in rows[0]
