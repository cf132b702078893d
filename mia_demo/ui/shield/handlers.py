"""Event handlers of the Shield page: the recorded board, and a cell's pictures."""

from __future__ import annotations

from typing import Any

from mia_demo.errors import ConfigError
from mia_demo.sweep.board import BoardRow, recorded_board, row_pictures
from mia_demo.sweep.provenance import changed_since
from mia_demo.ui.engine.engine import Engine
from mia_demo.ui.shield.view import board_json, cell_json

PICTURE_SIZE = 64


class ShieldHandlers:
    """Reads what is recorded; computes nothing."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.folder = recorded_board(engine.zoo)[0]

    def rows(self) -> list[BoardRow]:
        return recorded_board(self.engine.zoo)[1]

    def open(self) -> dict[str, Any]:
        """The page is first seen."""
        rows = self.rows()
        return board_json(rows, changed_since([row.record for row in rows], self.engine.zoo))

    def cell(self, lane: str, attack: str) -> dict[str, Any]:
        """A cell's pictures.

        Raises:
            DemoError: there is no such cell, or its pictures are damaged.
        """
        row = next((row for row in self.rows() if row.lane == lane and attack in row.cells), None)
        if row is None:
            raise ConfigError(f"The board has no cell of {lane!r} under {attack!r}.")
        people = self.engine.identities
        numbers = [n for n in row.cells[attack].identities if n < len(people)]
        photos, _ = people.tensors(PICTURE_SIZE, labels=numbers, indices=(0,))
        return cell_json(
            row,
            attack,
            photos.permute(0, 2, 3, 1).numpy(),
            row_pictures(row, self.folder, attack),
            is_here=self._is_here(row),
        )

    def _is_here(self, row: BoardRow) -> bool:
        """Whether the zoo has the classifier that the row is about, trained like it."""
        entry = self.engine.zoo.find(row.lane)
        trained = (row.alpha, row.defence, row.strengths)
        return entry is not None and (entry.alpha, entry.defence, entry.strengths) == trained
