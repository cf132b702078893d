"""The line-up: a reconstruction, eight photos to vote on, the truth afterwards, and the tally."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gradio as gr

from mia_demo.ui.shared.components import component_files


def line_up_board(answer: Callable[[str, dict[str, Any]], dict[str, Any]]) -> gr.HTML:
    """Its value is {"key": of the game it hosts}. It asks for what it shows by itself.

    Plain requests instead of the page's events, because phones by the dozen ask every two seconds.

    Args:
        answer: ``LineUpHandlers.ask``.
    """

    def ask(arguments: list[Any]) -> dict[str, Any]:
        what, message = arguments
        return answer(what, message)

    return gr.HTML(
        {},
        **component_files("line_up/line_up_board", "shared/elements"),
        apply_default_css=False,
        server_functions=[ask],
    )
