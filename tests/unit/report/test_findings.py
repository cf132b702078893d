"""Sentences about a table follow its figures, whatever they are."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from mia_demo.report.findings import AGREES, MIXED, OPPOSES, PARTLY, TOO_FEW, UNCLEAR, find
from mia_demo.sweep.pooling import pool_trainings
from mia_demo.sweep.results import load_results
from mia_demo.sweep.rows import LaneRow
from mia_demo.zoo.folder import EMBEDDED_ZOO

MakeRow = Callable[..., LaneRow]


@pytest.mark.parametrize(
    ("shares", "spreads", "agreement"),
    [
        ((0.9, 0.6, 0.3), (0, 0, 0), AGREES),
        ((0.3, 0.6, 0.9), (0, 0, 0), OPPOSES),
        ((0.6, 0.3, 0.9), (0, 0, 0), MIXED),
        ((0.62, 0.60, 0.61), (-0.3, 0, 0.3), UNCLEAR),
        ((0.9, 0.6, 0.58), (0, 0, 0.3), PARTLY),  # zero and negative may be in either order
        ((0.60, 0.62, 0.3), (0.1, 0, 0), PARTLY),  # zero leaks most, though not clearly
        # People differ much, but each leaks more with positive smoothing: pairing shows it.
        ((0.55, 0.5, 0.45), (0.4, 0.4, 0.4), AGREES),
    ],
)
def test_the_papers_order_is_checked_against_the_figures(
    make_row: MakeRow, shares: tuple[float, ...], spreads: tuple[float, ...], agreement: str
) -> None:
    lanes = zip(("positive", "zero", "negative"), (0.1, 0.0, -0.05), shares, spreads, strict=True)
    found = find([make_row(*lane) for lane in lanes], identities=100)
    assert found.agreement == agreement
    assert found.verdict.startswith("The paper finds")
    assert ("So it is here" in found.verdict) == (agreement == AGREES)


def test_what_contradicts_the_paper_is_named(make_row: MakeRow) -> None:
    rows = [
        make_row("positive", 0.1, 0.60, 0.1),
        make_row("zero", 0.0, 0.62),
        make_row("negative", -0.05, 0.3),
    ]
    assert find(rows, 100).verdict.endswith(
        "Here only 2 of the 3 differences that it predicts are clear, and zero leaks more than "
        "positive."
    )


def test_no_recorded_result_in_another_order_gets_a_tick() -> None:
    """With results/poincare zero leaks most: whatever else is clear, it is not so here."""
    for file in sorted((EMBEDDED_ZOO / "results").glob("*/results.json")):
        folder = file.parent
        results = load_results(folder)
        found = find(results.rows, len(results.record.identities))
        rows = pool_trainings(results.rows) or results.rows
        by_leakage = sorted(rows, key=lambda row: row.acc1.known)
        signs = [(row.alpha > 0) - (row.alpha < 0) for row in by_leakage]
        if signs != sorted(signs):
            assert found.agreement not in (AGREES, ""), folder.name


def test_factors_of_one_sign_are_no_test_of_the_paper(make_row: MakeRow) -> None:
    rows = [make_row("weak", 0.05, 0.9), make_row("strong", 0.2, 0.5)]
    assert find(rows, 100).verdict == ""


def test_the_headline_names_the_extremes(make_row: MakeRow) -> None:
    rows = [make_row("a", 0.1, 0.5), make_row("b", 0, 0.25), make_row("c", -0.1, 0.5)]
    assert find(rows, 50).headline == (
        "Lanes a and c leak most: the evaluator recognises 50.0% of the reconstructions. "
        "Lane b leaks least: 25.0%."
    )


def test_differences_are_named_with_their_intervals(make_row: MakeRow) -> None:
    rows = [make_row("a", 0.1, 0.5, 0.3), make_row("b", 0, 0.55), make_row("c", -0.1, 0.9)]
    details = " ".join(find(rows, 50).details)
    assert "c leaks 35.0 percentage points more than b (95%: +35.0 to +35.0)." in details
    assert "b and a do not differ clearly" in details
    assert "b leaks" not in details


def test_distances_speak_where_hits_do_not_differ_clearly(make_row: MakeRow) -> None:
    positive = make_row("positive", 0.1, 0.8, delta_face_identities=[0.5, 0.25] * 10)
    zero = make_row("zero", 0.0, 0.8, delta_face_identities=[0.75, 0.5] * 10)
    details = " ".join(find([positive, zero], 20).details)
    assert "positive and zero do not differ clearly (95% of the difference: +0.0 to +0.0" in details
    assert "δ_face of positive is 0.250 smaller (95%: 0.250 to 0.250)." in details


def test_other_judges_may_disagree(make_row: MakeRow) -> None:
    rows = [
        make_row("a", 0.1, 0.9, delta_face=0.8, extraction_test=0.4),
        make_row("b", 0.0, 0.5, delta_face=0.2, extraction_test=0.3),
    ]
    details = " ".join(find(rows, 50).details)
    assert "disagrees: reconstructions of b come closest" in details
    assert "agrees: it learns most from a (ξ_test 40.0%)" in details


def test_few_identities_and_refused_figures_claim_nothing(make_row: MakeRow) -> None:
    rows = [
        make_row("a", 0.1, 1.0, extraction_test=None),
        make_row("b", 0.0, 0.0, extraction_test=None),
    ]
    found = find(rows, identities=2)
    assert found.agreement == TOO_FEW
    assert "Identity by identity" not in " ".join(found.details)
    assert "ξ" not in " ".join(found.details)


def test_equal_factors_have_no_order(make_row: MakeRow) -> None:
    rows = [make_row("zero>negative>zero", -0.05, 0.4), make_row("negative", -0.05, 0.6)]
    assert find(rows, 100).verdict == ""
    assert find(rows[:1], 100).headline.startswith("The evaluator recognises 40.0%")


def test_an_accuracy_that_nobody_measured_is_said_to_be_so(make_row: MakeRow) -> None:
    rows = [make_row("a", 0.1, 0.5), make_row("foreign", 0, 0.25, test_accuracy=None)]
    found = find(rows, 50)
    assert "Test accuracy was not measured for foreign." in found.details
    assert not any("lies between" in sentence for sentence in found.details)


def test_trainings_of_a_target_speak_as_their_average(trainings: list[LaneRow]) -> None:
    found = find(trainings, 100)
    assert "Lane zero leaks most: the evaluator recognises 70.0%" in found.headline
    assert "zero leaks 50.0 percentage points more than negative" in " ".join(found.details)


def test_the_paper_is_quoted_on_what_is_there_alone(make_row: MakeRow) -> None:
    rows = [make_row("zero", 0, 0.7), make_row("zero>negative>zero", -0.05, 0.3)]
    verdict = find(rows, 50).verdict
    assert verdict.startswith("The paper finds that negative smoothing leaks less. So it is here")


def test_a_students_small_differences_are_none(make_row: MakeRow) -> None:
    rows = [
        make_row("a", 0.1, 0.9, extraction_test=0.580),
        make_row("b", 0.0, 0.5, extraction_test=0.585),
        make_row("c", -0.05, 0.2, extraction_test=0.4),
    ]
    details = " ".join(find(rows, 50).details)
    assert "alone agrees: it learns most from a and b (ξ_test 58.0%, 58.5%)." in details
    details = " ".join(find(rows[:2], 50).details)
    assert "alone tells no lane from the others (ξ_test 58.0% to 58.5%)." in details
