"""The first screen's claim follows the table."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from mia_demo.report.findings import NOT_SHOWN, claim
from mia_demo.sweep.results import load_results
from mia_demo.sweep.rows import LaneRow
from mia_demo.zoo.folder import EMBEDDED_ZOO


@pytest.fixture(scope="module")
def rows() -> list[LaneRow]:
    return load_results(Path(EMBEDDED_ZOO) / "results" / "standard").rows


def test_the_claim_is_the_tables(rows: list[LaneRow]) -> None:
    positive, zero, negative = rows
    both = "Positive label smoothing gives more faces away, negative fewer."
    assert claim(rows, 100) == both
    assert claim([zero, positive], 100) == "Positive label smoothing gives more faces away."
    assert claim([zero, negative], 100) == "Negative label smoothing gives fewer faces away."
    assert claim(rows, 5) == NOT_SHOWN
    turned = [replace(positive, alpha=-0.05), zero, replace(negative, alpha=0.1)]
    assert claim(turned, 100) == "Here it is the reverse of the paper's finding."
    alike = [replace(positive, acc1=zero.acc1), zero, negative]
    assert claim(alike, 100) == "Only part of what the paper finds shows here."
