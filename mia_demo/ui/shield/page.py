"""The Shield page: every defence against every attack, as recorded."""

from typing import Any

import gradio as gr

from mia_demo.errors import ConfigError
from mia_demo.sweep.board import BoardRow, recorded_board, row_pictures
from mia_demo.sweep.provenance import changed_since
from mia_demo.ui.engine.engine import Engine
from mia_demo.ui.shared.address import AddressPage
from mia_demo.ui.shared.app_state import AppState
from mia_demo.ui.shared.components import component
from mia_demo.ui.shared.handler import QUIET
from mia_demo.ui.shield.view import board_json, cell_json

PICTURE_SIZE = 64


def build_shield_page(app: AppState, address: AddressPage) -> None:
    """Adds the page to the current Blocks; the board is read when the page is first seen."""
    handlers = ShieldHandlers(app.engine)
    with gr.Column(elem_classes="shield-page"):
        board = component("shield/shield_board", server={"cell": handlers.cell})
    board.apply(handlers.open, None, board, **QUIET)
    address.link = board


class ShieldHandlers:
    """Reads what is recorded, a cell's pictures too; computes nothing."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def open(self) -> dict[str, Any]:
        """The page is first seen."""
        _, rows = recorded_board(self.engine.zoo)
        return board_json(rows, changed_since([row.record for row in rows], self.engine.zoo))

    def cell(self, lane: str, attack: str) -> dict[str, Any]:
        """A cell's pictures.

        Raises:
            DemoError: there is no such cell, or its pictures are damaged.
        """
        folder, rows = recorded_board(self.engine.zoo)
        row = next((row for row in rows if row.lane == lane and attack in row.cells), None)
        if row is None:
            raise ConfigError(f"The board has no cell of {lane!r} under {attack!r}.")
        people = self.engine.identities
        numbers = [n for n in row.cells[attack].identities if n < len(people)]
        photos, _ = people.tensors(PICTURE_SIZE, labels=numbers, indices=(0,))
        return cell_json(
            row,
            attack,
            photos.permute(0, 2, 3, 1).numpy(),
            row_pictures(row, folder, attack),
            is_here=self._is_here(row),
        )

    def _is_here(self, row: BoardRow) -> bool:
        """Whether the zoo has the classifier that the row is about, trained like it."""
        entry = self.engine.zoo.find(row.lane)
        trained = (row.alpha, row.defence, row.strengths)
        return entry is not None and (entry.alpha, entry.defence, entry.strengths) == trained
