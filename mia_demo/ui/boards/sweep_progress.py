"""A running sweep: bar, time left, newest pictures."""

from __future__ import annotations

import gradio as gr

from mia_demo.ui.boards.sweep_view import READY
from mia_demo.ui.shared.components import component_files


def sweep_progress() -> gr.HTML:
    """Shows a ``SweepView`` as JSON."""
    return gr.HTML(
        READY.to_json(),
        **component_files("boards/sweep_progress", "shared/elements"),
        apply_default_css=False,
    )
