"""Test accuracy against leakage: a point a classifier; choosing one shows its reconstructions."""

from __future__ import annotations

import gradio as gr

from mia_demo.ui.shared.components import component_files


def privacy_scatter() -> gr.HTML:
    """Shows ``CompareView.scatter``."""
    return gr.HTML({}, **component_files("compare/privacy_scatter"), apply_default_css=False)
