"""The two-dimensional example: choose alpha, watch the landscape form, let the attack walk."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gradio as gr

from mia_demo.errors import DemoError
from mia_demo.ui.engine.toy_lab import ToyLab
from mia_demo.ui.shared.components import component_files


def toy_explorer(lab: ToyLab) -> gr.HTML:
    """It asks the lab by itself, so that nothing of it passes through the page's events."""

    def train(arguments: list[Any]) -> dict[str, Any]:
        alpha, seen = arguments
        return _answer(lambda: lab.train(float(alpha), int(seen)))

    def walk(arguments: list[Any]) -> dict[str, Any]:
        alpha, x, y = arguments
        return _answer(lambda: lab.walk(float(alpha), float(x), float(y)))

    return gr.HTML(
        lab.scene(),
        **component_files("understand/toy_explorer"),
        apply_default_css=False,
        server_functions=[train, walk],
    )


def _answer(ask: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    try:
        return ask()
    except DemoError as error:
        return {"error": str(error)}
