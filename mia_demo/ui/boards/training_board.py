"""A training: progress, live curves and how the logits drift."""

from __future__ import annotations

from typing import Any

import gradio as gr

from mia_demo.ui.shared.components import component_files


def training_board(value: dict[str, Any]) -> gr.HTML:
    """Shows a ``TrainingView`` as JSON, or nothing."""
    return gr.HTML(value, **component_files("boards/training_board"), apply_default_css=False)
