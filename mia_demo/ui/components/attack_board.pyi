"""The attack: real photos, one column a lane, stage and step, live curves."""

from __future__ import annotations

from typing import Any

import gradio as gr

from mia_demo.ui.attack_view import BoardView
from mia_demo.ui.components import component_files

from gradio.events import Dependency

class AttackBoard(gr.HTML):  # type: ignore[misc]
    """Shows a ``BoardView``; all pictures of a frame arrive in one message."""

    def __init__(self, value: BoardView, **options: Any) -> None:
        super().__init__(
            value,
            **component_files("attack_board"),
            apply_default_css=False,
            **options,
        )

    def postprocess(self, value: BoardView | dict[str, Any]) -> dict[str, Any]:
        return value.to_json() if isinstance(value, BoardView) else value

    def api_info(self) -> dict[str, Any]:
        return {"type": "object"}
    from typing import Callable, Literal, Sequence, Any, TYPE_CHECKING
    from gradio.blocks import Block
    if TYPE_CHECKING:
        from gradio.components import Timer
        from gradio.components.base import Component
