"""Several trainings of a target become one row, by hand."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from mia_demo.report.text import results_markdown
from mia_demo.sweep.pooling import compare_with_zero, pool_trainings
from mia_demo.sweep.rows import LaneRow

MakeRow = Callable[..., LaneRow]


def test_figures_are_means_over_trainings(trainings: list[LaneRow]) -> None:
    zero, negative = pool_trainings(trainings)
    assert (zero.lane, negative.lane) == ("zero", "negative")
    assert zero.acc1.value == pytest.approx(0.7)
    assert zero.acc1.spread.over == "trainings"
    assert zero.acc1.spread.means == pytest.approx((0.8, 0.6))
    # 0.7 ± 12.706 · sqrt(0.02) / sqrt(2), clipped to 0..1.
    assert zero.acc1.spread.interval == (0.0, 1.0)
    assert negative.acc1_difference.value == pytest.approx(-0.5)
    assert zero.delta_face.value == pytest.approx(0.3)
    # 0.3 ± 12.706 · sqrt(0.02) / sqrt(2): distances may exceed 1.
    assert zero.delta_face.spread.interval == pytest.approx((0.0, 1.5706), abs=1e-4)
    assert negative.delta_face_difference.value == pytest.approx(0.5)
    assert negative.face_rank1_difference.interval == pytest.approx((-0.5, -0.5))


def test_a_training_is_compared_with_zero_of_the_same_seed(trainings: list[LaneRow]) -> None:
    zero1, zero2, negative1, negative2 = compare_with_zero(trainings)
    assert zero1.acc1_difference is zero2.acc1_difference is None
    assert negative1.acc1_difference.value == pytest.approx(0.3 - 0.8)
    assert negative2.acc1_difference.value == pytest.approx(0.1 - 0.6)


def test_the_averages_stand_before_the_trainings(trainings: list[LaneRow]) -> None:
    text = results_markdown(trainings)
    assert text.index("| zero |") < text.index("| zero@1 |")
    assert "Acc@1, 95 % over trainings" in text
    assert "zero@1" not in results_markdown(trainings, main_only=True)


def test_an_ordinary_sweep_is_not_pooled(make_row: MakeRow) -> None:
    assert pool_trainings([make_row("zero", 0, 0.5), make_row("negative", -0.05, 0.2)]) == []


def test_every_lane_is_compared_with_the_one_without_smoothing(make_row: MakeRow) -> None:
    rows = [make_row("a", 0.1, 0.5), make_row("zero", 0, 0.25), make_row("c", -0.05, 0.0)]
    first, zero, last = compare_with_zero(rows)
    assert first.acc1_difference.value == 0.25
    assert last.delta_face_difference.interval == (0.25, 0.25)
    assert zero is rows[1]


def test_without_a_plain_classifier_there_is_nothing_to_compare_with(make_row: MakeRow) -> None:
    rows = [make_row("a", 0.1, 0.5), make_row("c", -0.05, 0.0)]
    assert compare_with_zero(rows) == rows
