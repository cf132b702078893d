"""Figures across the cells of a board: attacks compared over the people whom they share."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from mia_demo.attack.methods import GRADIENT
from mia_demo.metrics.intervals import Interval, best_difference_interval
from mia_demo.sweep.board import SHARES, BoardCell, BoardRow, Share


def shares_over(
    cells: Sequence[BoardCell], people: Sequence[int], judge: str = "acc1"
) -> npt.NDArray[np.float64]:
    """A judge's share [I, A] of every identity under every attack; all must have all people."""
    columns = []
    for cell in cells:
        share: Share = getattr(cell, judge)
        found = dict(zip(cell.identities, share.people, strict=True))
        columns.append([found[number] for number in people])
    return np.array(columns, dtype=float).reshape(len(cells), len(people)).T


def common_people(cells: Sequence[BoardCell]) -> list[int]:
    """Whom all these attacks have in common, in ascending order."""
    return sorted(set.intersection(*(set(cell.identities) for cell in cells)))


@dataclass(frozen=True)
class Gap:
    """Best Acc@1 of the attacks with the gradient, minus the best of those without.

    Below 0, attacks that know less reach more: the gradient is masked, the person is not.

    Attributes:
        interval: 95 %, over identities and over which attack is best; None with one identity.
        best, blind: the attacks.
        best_acc1, blind_acc1: what they reach.
        people: how many identities all attacks have in common.
    """

    value: float
    interval: Interval | None
    best: str
    blind: str
    best_acc1: float
    blind_acc1: float
    people: int


def masking_gap(cells: Mapping[str, BoardCell]) -> Gap | None:
    """None where one of the two kinds of attack is missing, or they have nobody in common."""
    informed = [name for name, cell in cells.items() if cell.needs == GRADIENT]
    blind = [name for name in cells if name not in informed]
    if not (informed and blind):
        return None
    people = common_people(list(cells.values()))
    if not people:
        return None
    ones, others = (shares_over([cells[n] for n in names], people) for names in (informed, blind))
    best, rest = ones.mean(axis=0), others.mean(axis=0)
    return Gap(
        value=float(best.max() - rest.max()),
        interval=best_difference_interval(ones, others) if len(people) > 1 else None,
        best=informed[int(best.argmax())],
        blind=blind[int(rest.argmax())],
        best_acc1=float(best.max()),
        blind_acc1=float(rest.max()),
        people=len(people),
    )


def matrix_json(rows: Sequence[BoardRow]) -> dict[str, Any]:
    """Rows of one board as one JSON object, without the figures of single identities."""
    first = rows[0]
    return {
        "identities": first.record.identities,
        "seeds": first.record.seeds,
        "attacks": {
            name: {
                "identities": cell.identities,
                "needs": cell.needs,
                "passes": cell.passes,
                "settings": cell.settings,
            }
            for name, cell in first.cells.items()
        },
        "matrix": [
            {
                **{name: value for name, value in asdict(row).items() if name not in _INNER},
                "robust_accuracy": asdict(row.robust),
                "gradient_gap": asdict(gap) if (gap := masking_gap(row.cells)) else None,
                "cells": {name: _figures(cell) for name, cell in row.cells.items()},
            }
            for row in rows
        ],
    }


_INNER = ("robust", "cells", "record")


def _figures(cell: BoardCell) -> dict[str, Any]:
    figures: dict[str, Any] = {}
    for name in SHARES:
        share: Share = getattr(cell, name)
        figures |= {name: share.value, f"{name}_ci95": share.interval and list(share.interval)}
    return figures
