"""What is loaded: device and memory, and a card for every checkpoint, by people."""

from __future__ import annotations

import gradio as gr

from mia_demo.ui.models.view import NOTHING
from mia_demo.ui.shared.components import component_files


def models_panel() -> gr.HTML:
    """Shows ``models_view``. Its event ``delete`` says that ``chosen`` is to be removed."""
    return gr.HTML(
        NOTHING,
        **component_files("models/models_panel", "shared/elements"),
        apply_default_css=False,
    )
