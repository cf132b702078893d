"""A running sweep: bar, time left, newest pictures."""

from __future__ import annotations

import gradio as gr

from mia_demo.ui.components import component_files
from mia_demo.ui.sweep_view import READY


def sweep_progress() -> gr.HTML:
    """Shows a ``SweepView`` as JSON."""
    return gr.HTML(
        READY.to_json(), **component_files("sweep_progress", "elements"), apply_default_css=False
    )
