"""The board of defences and attacks as files: a row for each target, which may be read alone.

``LANE.json`` holds a target's figures under every attack, ``LANE.webp`` the best reconstruction of
each identity, an attack below the other, black where an attack left one out. With the figures a row
is complete, so rows can be computed, recorded and shipped one by one.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mia_demo.data.pictures import read_picture, write_sheet
from mia_demo.defences.label_smoothing import LabelSmoothing
from mia_demo.errors import DataError
from mia_demo.metrics.estimates import mean_over_identities
from mia_demo.metrics.intervals import Interval
from mia_demo.sweep.library import RECORDED_FOLDER
from mia_demo.sweep.provenance import Provenance
from mia_demo.system.files import write_json
from mia_demo.system.json_files import checked, read_json
from mia_demo.zoo.reading import Zoo

BOARD_FOLDER = "shield"  # inside the recorded results
BOARD_FORMAT = 2
SHARES = ("acc1", "face_rank1", "sure", "convinced_but_wrong")  # of a cell

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

    @staticmethod
    def of(people: Sequence[float]) -> Share:
        """The share over all people, from that of each."""
        estimate = mean_over_identities(np.array(people, dtype=float))
        return Share(estimate.known, estimate.interval, list(estimate.per_identity))


@dataclass(frozen=True)
class BoardCell:
    """A target under one attack.

    Attributes:
        identities: who was attacked, in ascending order.
        needs: what the attacker gets from the target; see ``methods``.
        passes: of the classifier by stage, for one identity.
        settings: of the attack, but for identity, seed and target.
        acc1, face_rank1: in which the evaluator, and the face embedder, see the identity.
        sure: of which the target is convinced.
        convinced_but_wrong: of which it is although both judges say no.
        top1: by identity, whom the evaluator sees in the best one.
    """

    identities: list[int]
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
    """A target under every attack; the record's identities are those of all attacks."""

    lane: str
    defence: str
    strengths: dict[str, float]
    alpha: float | None
    test_accuracy: float | None
    robust: Robustness
    cells: dict[str, BoardCell]
    record: Provenance


def row_files(folder: Path, lane: str) -> tuple[Path, Path]:
    """Pictures and figures; with the figures a row is complete."""
    return folder / f"{lane}.webp", folder / f"{lane}.json"


def save_row(row: BoardRow, pictures: npt.NDArray[np.uint8], folder: Path) -> None:
    """Writes a row.

    Args:
        pictures: uint8 [A, I, R, R, 3], by attack the best reconstruction of each identity of the
            record.
    """
    picture_file, figure_file = row_files(folder, row.lane)
    write_sheet(picture_file, pictures)
    write_json(figure_file, {"format": BOARD_FORMAT, **asdict(row)}, indent=None)


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
        for name, cell in row.cells.items():
            counts = {len(getattr(cell, share).people) for share in SHARES}
            if counts | {len(cell.top1)} != {len(cell.identities)}:
                raise ValueError(f"{name} has not one figure per identity")
        everybody = {number for cell in row.cells.values() for number in cell.identities}
        if not everybody or row.lane != path.stem or row.record.identities != sorted(everybody):
            raise ValueError("an empty row, or another target's")
    except (OSError, ValueError) as error:
        raise DataError(f"{path} holds no readable row ({error}); compute it again.") from error
    return row


def row_pictures(row: BoardRow, folder: Path, attack: str) -> npt.NDArray[np.uint8]:
    """The best reconstruction of each of an attack's identities: uint8 [I, R, R, 3].

    Raises:
        DataError: no such attack, or the pictures are damaged.
    """
    path, _ = row_files(folder, row.lane)
    everybody, names = row.record.identities, list(row.cells)
    try:
        pixels = read_picture(path, "WEBP")
        size = pixels.shape[0] // len(names)
        sheet = pixels.reshape(len(names), size, len(everybody), size, 3).transpose(0, 2, 1, 3, 4)
        columns = [everybody.index(number) for number in row.cells[attack].identities]
        return sheet[names.index(attack), columns]
    except (OSError, ValueError, KeyError) as error:
        raise DataError(f"{path} holds no pictures of {attack} ({error}).") from error


def recorded_board(zoo: Zoo) -> tuple[Path, list[BoardRow]]:
    """The folder of the board that came with a zoo, and its rows; none where it has no board."""
    folder = zoo.root / RECORDED_FOLDER / BOARD_FOLDER
    return folder, load_rows(folder)
