"""A training: progress, live curves and how the logits drift."""

from __future__ import annotations

import gradio as gr

from mia_demo.ui.components import component_files
from mia_demo.ui.training_view import READY


def training_board() -> gr.HTML:
    """Shows a ``TrainingView`` as JSON."""
    return gr.HTML(READY.to_json(), **component_files("training_board"), apply_default_css=False)
