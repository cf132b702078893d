"""The understand page: why smoothing changes what an attack finds, in pictures and words."""

from __future__ import annotations

from pathlib import Path

import gradio as gr

from mia_demo.ui.components.toy_explorer import toy_explorer
from mia_demo.ui.engine import Engine
from mia_demo.ui.toy_lab import ToyLab

TEXTS = Path(__file__).parent / "texts"


def build_understand_page(engine: Engine) -> None:
    """Adds the page to the current Blocks; it computes nothing before a visitor sees it."""
    with gr.Column(elem_classes="understand-page"):
        _text("understand_contents")
        _text("understand_toy")
        toy_explorer(ToyLab())
        _text("understand_background")


def _text(name: str) -> None:
    """Words that never change, from a file of their own."""
    gr.HTML((TEXTS / f"{name}.html").read_text("utf-8"), apply_default_css=False)
