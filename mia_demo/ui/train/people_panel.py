"""A visitor's own people: a face of each, notes on the photos, and the button that deletes all."""

from __future__ import annotations

import gradio as gr

from mia_demo.ui.shared.components import component_files
from mia_demo.ui.shared.people_view import NOBODY


def people_panel() -> gr.HTML:
    """Shows ``people_view.people_panel``. Its event ``delete`` is the confirmed button."""
    return gr.HTML(NOBODY, **component_files("train/people_panel"), apply_default_css=False)
