"""Comparisons between rows: lanes with the one of α = 0, trainings of a target as one row.

A target is one draw of initial weights and batch order. What holds for its smoothing factor must
hold on average over trainings, which are lanes named TARGET@SEED.
"""

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from mia_demo.attack.lanes import STAGE_SEPARATOR
from mia_demo.metrics.estimates import (
    Estimate,
    mean_over_identities,
    paired_difference,
    spread_over,
)
from mia_demo.sweep.rows import LaneRow

SEPARATOR = "@"
AVERAGES_NOTE = "Rows without @ are averages over the trainings of that name; @ gives the seed."


def training_lane(target: str, seed: int) -> str:
    """Name of the target when trained with this seed."""
    return f"{target}{SEPARATOR}{seed}"


def target_of(lane: str) -> str:
    """Name of the target that a lane is a training of; other lanes keep theirs."""
    return lane.partition(SEPARATOR)[0]


def compare_with_zero(rows: Sequence[LaneRow]) -> list[LaneRow]:
    """The rows with their differences from the first plain row of α = 0, which itself gets none.

    A training is compared with the training of α = 0 that has the same seed; without a row to
    compare with, a row stays as it is.
    """
    plains: dict[str, LaneRow] = {}
    for row in rows:
        if row.alpha == 0 and not row.defence and STAGE_SEPARATOR not in row.lane:
            plains.setdefault(_training_seed(row), row)
    compared = []
    for row in rows:
        plain = plains.get(_training_seed(row), row)
        if plain is not row:
            row = replace(
                row,
                acc1_difference=paired_difference(row.acc1, plain.acc1),
                face_rank1_difference=row.face_rank1
                and plain.face_rank1
                and paired_difference(row.face_rank1, plain.face_rank1),
                delta_face_difference=paired_difference(row.delta_face, plain.delta_face),
            )
        compared.append(row)
    return compared


def pool_trainings(rows: Sequence[LaneRow]) -> list[LaneRow]:
    """One row per target over all its trainings; empty if the rows are not such a sweep.

    Every identity's figure is the mean over trainings and attack seeds; intervals over identities
    are bootstraps of these, spreads are over the trainings' means.

    Args:
        rows: of ``SweepResults``, lanes named by ``training_lane``.
    """
    members: dict[str, list[LaneRow]] = {}
    for row in rows:
        if SEPARATOR not in row.lane or STAGE_SEPARATOR in row.lane:
            return []
        members.setdefault(target_of(row.lane), []).append(row)
    if any(len(group) < 2 for group in members.values()):
        return []
    return compare_with_zero([_pool(target, group) for target, group in members.items()])


def _pool(target: str, rows: Sequence[LaneRow]) -> LaneRow:
    ranks = [row.face_rank1 for row in rows if row.face_rank1 is not None]
    return LaneRow(
        lane=target,
        alpha=rows[0].alpha,
        defence=rows[0].defence,
        test_accuracy=_mean([row.test_accuracy for row in rows]),
        acc1=_pooled([row.acc1 for row in rows]),
        acc5=_mean([row.acc5 for row in rows]),
        delta_eval=_mean([row.delta_eval for row in rows]),
        delta_face=_pooled([row.delta_face for row in rows], most=math.inf),
        face_rank1=_pooled(ranks) if ranks else None,
    )


def _mean(figures: Sequence[Estimate]) -> Estimate:
    values = [figure.value for figure in figures if figure.value is not None]
    return Estimate(float(np.mean(values)) if values else None)


def _pooled(figures: Sequence[Estimate], *, most: float = 1.0) -> Estimate:
    people = np.array([figure.per_identity for figure in figures])  # [trainings, I]
    return mean_over_identities(
        people.mean(axis=0),
        value=float(people.mean()),
        spread=spread_over("trainings", people.mean(axis=1), most=most),
    )


def _training_seed(row: LaneRow) -> str:
    return row.lane.partition(SEPARATOR)[2]
