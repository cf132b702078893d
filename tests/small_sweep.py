"""A small sweep's results, made up so that every figure is known."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from mia_demo.sweep.results import JudgedAttack, Record, SweepResults
from mia_demo.sweep.rows import LaneRow, row_from_json


@pytest.fixture
def make_row() -> Callable[..., LaneRow]:
    """A row of the table; every second identity lies ``spread`` above Acc@1, the others below.

    ``others`` are written as in ``results.json``.
    """

    def make(lane: str, alpha: float, acc1: float, spread: float = 0.0, **others: Any) -> LaneRow:
        written = {
            "lane": lane,
            "alpha": alpha,
            "test_accuracy": 0.99,
            "acc1": acc1,
            "acc1_ci95": [acc1 - 0.02, acc1 + 0.02],
            "acc1_identities": [acc1 + spread, acc1 - spread] * 10,
            "acc5": 1.0,
            "delta_eval": 10.0,
            "delta_face": 1 - acc1,
            "delta_face_identities": [1 - acc1 - spread, 1 - acc1 + spread] * 10,
            "precision": 0.5,
            "recall": 0.5,
            "density": 0.5,
            "coverage": 0.5,
            "extraction_train": acc1 / 2,
            "extraction_test": acc1 / 2,
            "frechet": None,
            "attributes": {"sex": 0.75},
            "attributes_ci95": {"sex": [0.7, 0.8]},
            "refused": {"frechet": "too few samples"},
            **others,
        }
        return row_from_json(written)

    return make


@pytest.fixture
def trainings(make_row: Callable[..., LaneRow]) -> list[LaneRow]:
    """Two trainings of zero and of negative."""
    shares = {"zero@1": 0.8, "zero@2": 0.6, "negative@1": 0.3, "negative@2": 0.1}
    return [
        make_row(
            lane,
            0.0 if lane.startswith("zero") else -0.05,
            share,
            face_rank1=share,
            face_rank1_identities=[share] * 20,
        )
        for lane, share in shares.items()
    ]


@pytest.fixture
def results(make_row: Callable[..., LaneRow]) -> SweepResults:
    """Identities 3 and 7, seeds 0 and 5, two lanes; 'zero' is wrong about 7 in the first seed."""
    record = Record(
        date="2026-01-02T03:04:05+00:00",
        commit="0123456789ab",
        settings={"preset": "quick", "steps": 40, "identity": None, "seed": None},
        identities=[3, 7],
        seeds=[0, 5],
        lanes=["zero", "negative"],
        device="cpu",
        precision="fp32",
        seconds=12.5,
        versions={"torch": "2.9"},
        checkpoints={"prior": "aa", "zero": "bb", "negative": "cc"},
        attribute_reference={
            "sex": {
                "base_rate": 0.5,
                "base_value": "male",
                "real_test_accuracy": 0.99,
                "held_out_accuracy": 0.98,
            }
        },
    )

    def judged(identity: int, seed: int, top1: list[int], nearest: int) -> JudgedAttack:
        return JudgedAttack(identity, seed, 0.5, 1.0, 2.0, 0.3, 0.9, top1, [nearest, 0])

    return SweepResults(
        record=record,
        rows=[make_row("zero", 0.0, 0.5), make_row("negative", -0.05, 0.9)],
        attacks={
            "zero": [
                judged(3, 0, [3, 3], 4),
                judged(3, 5, [3, 9], 1),
                judged(7, 0, [54, 7], 2),
                judged(7, 5, [7, 7], 1),
            ],
            "negative": [
                judged(3, 0, [3, 3], 4),
                judged(3, 5, [3, 3], 1),
                judged(7, 0, [7, 7], 2),
                judged(7, 5, [7, 7], 1),
            ],
        },
        curves={
            lane: [
                {"step": 0, "acc1": 0.1, "target_confidence": 0.2, "gradient_cosine": None},
                {"step": 20, "acc1": 0.6, "target_confidence": 0.9, "gradient_cosine": 0.5},
            ]
            for lane in ("zero", "negative")
        },
        pictures=np.arange(2 * 2 * 8 * 8 * 3, dtype=np.uint8).reshape(2, 2, 8, 8, 3),
    )
