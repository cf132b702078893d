"""What is loaded: device and memory, and a card for every checkpoint, by people."""

from __future__ import annotations

import gradio as gr

from mia_demo.ui.components import component_files
from mia_demo.ui.models_view import NOTHING


def models_panel() -> gr.HTML:
    """Shows ``models_view``. Its event ``delete`` says that ``chosen`` is to be removed."""
    return gr.HTML(NOTHING, **component_files("models_panel", "elements"), apply_default_css=False)
