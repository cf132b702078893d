"""Lanes that differ only in the seed of their training, pooled into one row.

A target is one draw of initial weights and batch order. What holds for its smoothing factor must
hold on average over trainings.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from mia_demo.metrics.differences import COMPARED, SEPARATOR, SHARES, compare_with_zero
from mia_demo.metrics.intervals import bootstrap_interval, seed_interval

Row = dict[str, Any]
AVERAGES_NOTE = "Rows without @ are averages over the trainings of that name; @ gives the seed."
AVERAGED = ("test_accuracy", "acc5", "delta_eval")


def training_lane(target: str, seed: int) -> str:
    """Name of the target when trained with this seed."""
    return f"{target}{SEPARATOR}{seed}"


def target_of(lane: str) -> str:
    """Name of the target that a lane is a training of; other lanes keep theirs."""
    return lane.partition(SEPARATOR)[0]


def pool_trainings(rows: Sequence[Row]) -> list[Row]:
    """One row a target over all its trainings; empty if the rows are not such a sweep.

    Every identity's figure is the mean over trainings and attack seeds; intervals over identities
    are bootstraps of these, ``FIGURE_trainings_ci95`` is Student's t over the trainings' means.

    Args:
        rows: of ``results_table``, lanes named by ``training_lane``.
    """
    members: dict[str, list[Row]] = {}
    for row in rows:
        target, separator, _ = row["lane"].partition(SEPARATOR)
        if not separator:
            return []
        members.setdefault(target, []).append(row)
    if any(len(group) < 2 for group in members.values()):
        return []
    pooled = [_pool(target, group) for target, group in members.items()]
    compare_with_zero(pooled)
    return pooled


def _pool(target: str, rows: Sequence[Row]) -> Row:
    pooled: Row = {"lane": target, "alpha": rows[0]["alpha"], "refused": {}}
    for key in AVERAGED:
        pooled[key] = float(np.mean([row[key] for row in rows]))
    for figure in COMPARED:
        people = np.array([row[f"{figure}_identities"] for row in rows])  # [trainings, I]
        means = people.mean(axis=1)
        pooled[figure] = float(people.mean())
        pooled[f"{figure}_identities"] = people.mean(axis=0).tolist()
        pooled[f"{figure}_ci95"] = bootstrap_interval(people.mean(axis=0))
        pooled[f"{figure}_trainings"] = means.tolist()
        most = 1.0 if figure in SHARES else math.inf
        pooled[f"{figure}_trainings_ci95"] = seed_interval(means, most=most)
    return pooled
