"""The board of defences and attacks as files: a row for each target, which may be read alone.

``LANE.json`` holds a target's figures under every attack, ``LANE.webp`` the best reconstruction of
each identity, an attack below the other. With the figures a row is complete, so rows can be
computed, recorded and shipped one by one.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from mia_demo.attack.methods import GRADIENT
from mia_demo.data.pictures import read_picture
from mia_demo.defences.label_smoothing import LabelSmoothing
from mia_demo.errors import DataError
from mia_demo.metrics.intervals import Interval, best_difference_interval
from mia_demo.sweep.library import RECORDED_FOLDER
from mia_demo.sweep.provenance import Provenance
from mia_demo.system.files import replacing, write_json
from mia_demo.system.json_files import checked, read_json
from mia_demo.zoo.reading import Zoo

BOARD_FOLDER = "shield"  # inside the recorded results
BOARD_FORMAT = 1

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Share:
    """Of a cell's reconstructions.

    Attributes:
        interval: 95 % over identities; None with one identity.
        people: the share of every identity.
    """

    value: float
    interval: Interval | None
    people: list[float]


@dataclass(frozen=True)
class BoardCell:
    """A target under one attack.

    Attributes:
        needs: what the attacker gets from the target; see ``methods``.
        passes: of the classifier by stage, for one identity.
        settings: of the attack, but for identity, seed and target.
        acc1, face_rank1: in which the evaluator, and the face embedder, see the identity.
        sure: of which the target is convinced.
        convinced_but_wrong: of which it is although both judges say no.
        top1: by identity, whom the evaluator sees in the best one.
    """

    needs: str
    passes: dict[str, int]
    settings: dict[str, Any]
    acc1: Share
    face_rank1: Share
    sure: Share
    convinced_but_wrong: Share
    top1: list[int]


@dataclass(frozen=True)
class Robustness:
    """Accuracy in 0..1 on changed test pictures, for each epsilon; see ``metrics.robustness``."""

    epsilons: list[float]
    pgd_steps: int
    pictures: int
    fgsm: list[float]
    pgd: list[float]


@dataclass(frozen=True)
class BoardRow:
    """A target under every attack."""

    lane: str
    defence: str
    strengths: dict[str, float]
    alpha: float | None
    test_accuracy: float | None
    robust: Robustness
    cells: dict[str, BoardCell]
    record: Provenance

    @property
    def gap(self) -> Gap | None:
        return masking_gap(self.cells)


@dataclass(frozen=True)
class Gap:
    """Best Acc@1 of the attacks with the gradient, minus the best of those without.

    Below 0, attacks that know less reach more: the gradient is masked, the person is not.

    Attributes:
        interval: 95 %, over identities and over which attack is best; None with one identity.
        best, blind: the attacks.
    """

    value: float
    interval: Interval | None
    best: str
    blind: str


def masking_gap(cells: Mapping[str, BoardCell]) -> Gap | None:
    """None where one of the two kinds of attack was not run."""
    informed = [name for name, cell in cells.items() if cell.needs == GRADIENT]
    blind = [name for name in cells if name not in informed]
    if not (informed and blind):
        return None
    best = max(informed, key=lambda name: cells[name].acc1.value)
    rest = max(blind, key=lambda name: cells[name].acc1.value)
    ones, others = (
        np.array([cells[name].acc1.people for name in names]).T for names in (informed, blind)
    )
    return Gap(
        value=cells[best].acc1.value - cells[rest].acc1.value,
        interval=best_difference_interval(ones, others) if len(ones) > 1 else None,
        best=best,
        blind=rest,
    )


def row_files(folder: Path, lane: str) -> tuple[Path, Path]:
    """Pictures and figures; with the figures a row is complete."""
    return folder / f"{lane}.webp", folder / f"{lane}.json"


def save_row(row: BoardRow, pictures: npt.NDArray[np.uint8], folder: Path) -> None:
    """Writes a row.

    Args:
        pictures: uint8 [A, I, R, R, 3], by attack the best reconstruction of each identity.
    """
    attacks, people, size = pictures.shape[:3]
    sheet = pictures.transpose(0, 2, 1, 3, 4).reshape(attacks * size, people * size, 3)
    picture_file, figure_file = row_files(folder, row.lane)
    with replacing(picture_file) as temporary:
        Image.fromarray(sheet).save(temporary, format="WEBP", quality=90, method=6)
    write_json(figure_file, {"format": BOARD_FORMAT, **asdict(row)})


def load_rows(folder: Path) -> list[BoardRow]:
    """All rows of a folder, by α, undefended targets first; damaged ones are left out."""
    rows = []
    for path in sorted(folder.glob("*.json")):
        try:
            rows.append(load_row(path))
        except DataError as error:
            log.warning("%s", error)
    plain = {row.lane: row.defence == LabelSmoothing.name for row in rows}
    return sorted(rows, key=lambda row: (not plain[row.lane], -(row.alpha or 0.0), row.lane))


def load_row(path: Path) -> BoardRow:
    """
    Raises:
        DataError: missing, damaged or of another format.
    """
    try:
        values = read_json(path)
        if not isinstance(values, dict) or values.pop("format", None) != BOARD_FORMAT:
            raise ValueError("another format")
        row = checked(BoardRow, values, "row")
        people = len(row.record.identities)
        for name, cell in row.cells.items():
            shares = (cell.acc1, cell.face_rank1, cell.sure, cell.convinced_but_wrong)
            if {len(cell.top1), *(len(share.people) for share in shares)} != {people}:
                raise ValueError(f"{name} has not one figure per identity")
        if not (people and row.cells and row.lane == path.stem):
            raise ValueError("an empty row, or another target's")
    except (OSError, ValueError) as error:
        raise DataError(f"{path} holds no readable row ({error}); compute it again.") from error
    return row


def row_pictures(row: BoardRow, folder: Path, attack: str) -> npt.NDArray[np.uint8]:
    """The best reconstruction of each identity under one attack: uint8 [I, R, R, 3].

    Raises:
        DataError: no such attack, or the pictures are damaged.
    """
    path, _ = row_files(folder, row.lane)
    people, names = len(row.record.identities), list(row.cells)
    try:
        pixels = read_picture(path, "WEBP")
        size = pixels.shape[0] // len(names)
        sheet = pixels.reshape(len(names), size, people, size, 3).transpose(0, 2, 1, 3, 4)
        return np.ascontiguousarray(sheet[names.index(attack)])
    except (OSError, ValueError) as error:
        raise DataError(f"{path} holds no pictures of {attack} ({error}).") from error


def matrix_json(rows: Sequence[BoardRow]) -> dict[str, Any]:
    """Rows of one board as one JSON object, without the figures of single identities."""
    first = rows[0]
    return {
        "identities": first.record.identities,
        "seeds": first.record.seeds,
        "attacks": {
            name: {"needs": cell.needs, "passes": cell.passes, "settings": cell.settings}
            for name, cell in first.cells.items()
        },
        "matrix": [
            {
                **{name: value for name, value in asdict(row).items() if name not in _INNER},
                "robust_accuracy": asdict(row.robust),
                "gradient_gap": asdict(row.gap) if row.gap else None,
                "cells": {name: _figures(cell) for name, cell in row.cells.items()},
            }
            for row in rows
        ],
    }


_INNER = ("robust", "cells", "record")
SHARES = ("acc1", "face_rank1", "sure", "convinced_but_wrong")


def _figures(cell: BoardCell) -> dict[str, Any]:
    figures: dict[str, Any] = {}
    for name in SHARES:
        share: Share = getattr(cell, name)
        figures |= {name: share.value, f"{name}_ci95": share.interval and list(share.interval)}
    return figures


def recorded_board(zoo: Zoo) -> tuple[Path, list[BoardRow]]:
    """The folder of the board that came with a zoo, and its rows; none where it has no board."""
    folder = zoo.root / RECORDED_FOLDER / BOARD_FOLDER
    return folder, load_rows(folder)
