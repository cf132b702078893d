"""The lesson's bar: tasks, a question to predict, the answer; it stays in front of all pages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gradio as gr

from mia_demo.ui.shared.components import component_files


def lesson_bar(steps: list[dict[str, Any]], sheet: Callable[[str], str]) -> gr.HTML:
    """Its event ``submit`` asks for an answer, ``select`` follows a step's link.

    Args:
        steps: of the lesson, as its script reads them.
        sheet: the worksheet as HTML, from the address of the page.
    """

    def worksheet(origin: str) -> str:
        return sheet(origin)

    return gr.HTML(
        {},
        **component_files("lesson/lesson_bar"),
        apply_default_css=False,
        steps=steps,
        server_functions=[worksheet],
        elem_classes="lesson-bar",
    )
