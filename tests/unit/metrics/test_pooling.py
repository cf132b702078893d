"""Several trainings of a target become one row, by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from mia_demo.metrics.differences import compare_with_zero
from mia_demo.metrics.pooling import pool_trainings
from mia_demo.report.text import results_markdown

MakeRow = Callable[..., dict[str, Any]]


def test_figures_are_means_over_trainings(trainings: list[dict[str, Any]]) -> None:
    zero, negative = pool_trainings(trainings)
    assert (zero["lane"], negative["lane"]) == ("zero", "negative")
    assert zero["acc1"] == pytest.approx(0.7)
    assert zero["acc1_trainings"] == pytest.approx([0.8, 0.6])
    # 0.7 ± 12.706 · sqrt(0.02) / sqrt(2), clipped to 0..1.
    assert zero["acc1_trainings_ci95"] == [0.0, 1.0]
    assert negative["acc1_difference"] == pytest.approx(-0.5)
    assert zero["delta_face"] == pytest.approx(0.3)
    # 0.3 ± 12.706 · sqrt(0.02) / sqrt(2): distances may exceed 1.
    assert zero["delta_face_trainings_ci95"] == pytest.approx([0.0, 1.5706], abs=1e-4)
    assert negative["delta_face_difference"] == pytest.approx(0.5)
    assert negative["face_rank1_difference_ci95"] == pytest.approx([-0.5, -0.5])


def test_a_training_is_compared_with_zero_of_the_same_seed(trainings: list[dict[str, Any]]) -> None:
    compare_with_zero(trainings)
    assert [row.get("acc1_difference") for row in trainings] == [
        None,
        None,
        pytest.approx(0.3 - 0.8),
        pytest.approx(0.1 - 0.6),
    ]


def test_the_averages_stand_before_the_trainings(trainings: list[dict[str, Any]]) -> None:
    text = results_markdown(trainings)
    assert text.index("| zero |") < text.index("| zero@1 |")
    assert "Acc@1, 95 % over trainings" in text
    assert "zero@1" not in results_markdown(trainings, main_only=True)


def test_an_ordinary_sweep_is_not_pooled(make_row: MakeRow) -> None:
    assert pool_trainings([make_row("zero", 0, 0.5), make_row("negative", -0.05, 0.2)]) == []
