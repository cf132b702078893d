"""Two rows of a board as one: people and attacks that were computed apart.

So a board may be computed a few people at a time, on whatever machine is free.
"""

from dataclasses import replace
from operator import attrgetter
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mia_demo.attack.named import ATTACKS
from mia_demo.data.pictures import shrunk
from mia_demo.sweep.board import SHARES, BoardCell, BoardRow, Share, row_pictures

Pictures = dict[tuple[str, int], npt.NDArray[np.uint8]]  # by attack and identity


def can_join(one: BoardRow, other: BoardRow) -> bool:
    """Whether they differ only in identities and attacks."""

    def made_with(row: BoardRow) -> tuple[Any, ...]:
        record = row.record
        return row.lane, record.checkpoints, record.seeds, record.device, record.precision

    both = one.cells.keys() & other.cells.keys()
    same = all(one.cells[name].settings == other.cells[name].settings for name in both)
    return same and made_with(one) == made_with(other)


def joined(
    old: BoardRow, old_folder: Path, new: BoardRow, new_folder: Path
) -> tuple[BoardRow, npt.NDArray[np.uint8]]:
    """A row with the people and attacks of both, with pictures as ``save_row`` takes them.

    Where both have an identity under an attack, the new one counts.

    Raises:
        DataError: pictures are missing or damaged.
    """
    pictures = _of_one_size(_pictures(old, old_folder) | _pictures(new, new_folder))
    names = sorted(old.cells | new.cells, key=list(ATTACKS).index)
    cells = {name: _joined_cell(old.cells.get(name), new.cells.get(name)) for name in names}
    everybody = sorted({number for _, number in pictures})
    nobody = np.zeros_like(next(iter(pictures.values())))
    sheet = [[pictures.get((name, number), nobody) for number in everybody] for name in names]
    seconds = new.record.seconds
    if len(pictures) > sum(len(cell.identities) for cell in new.cells.values()):
        seconds += old.record.seconds
    record = replace(new.record, identities=everybody, seconds=round(seconds, 1))
    return replace(new, cells=cells, record=record), np.array(sheet)


def _pictures(row: BoardRow, folder: Path) -> Pictures:
    return {
        (name, number): picture
        for name, cell in row.cells.items()
        for number, picture in zip(cell.identities, row_pictures(row, folder, name), strict=True)
    }


def _of_one_size(pictures: Pictures) -> Pictures:
    """The smallest one's: a row of many people has small pictures (``write_sheet``)."""
    side = min(map(len, pictures.values()))
    return {
        key: picture if len(picture) == side else shrunk(picture, side)
        for key, picture in pictures.items()
    }


def _joined_cell(old: BoardCell | None, new: BoardCell | None) -> BoardCell:
    if old is None or new is None:
        cell = old or new
        assert cell is not None
        return cell
    people = sorted({*old.identities, *new.identities})

    def merged(figure: str) -> list[Any]:
        found: dict[int, Any] = {}
        for cell in (old, new):
            found |= zip(cell.identities, attrgetter(figure)(cell), strict=True)
        return [found[number] for number in people]

    shares: dict[str, Any] = {name: Share.of(merged(f"{name}.people")) for name in SHARES}
    return replace(new, identities=people, top1=merged("top1"), **shares)
