"""The Shield page: every defence against every attack, as recorded."""

from __future__ import annotations

import gradio as gr

from mia_demo.ui.shared.address import AddressPage
from mia_demo.ui.shared.app_state import AppState
from mia_demo.ui.shared.components import component
from mia_demo.ui.shared.handler import QUIET
from mia_demo.ui.shield.handlers import ShieldHandlers


def build_shield_page(app: AppState, address: AddressPage) -> None:
    """Adds the page to the current Blocks; the board is read when the page is first seen."""
    handlers = ShieldHandlers(app.engine)
    with gr.Column(elem_classes="shield-page"):
        board = component("shield/shield_board", server={"cell": handlers.cell})
    board.apply(handlers.open, None, board, **QUIET)
    address.link = board
