"""Gradient cosine against steps, a line a lane, with the paper's figures beside it."""

from __future__ import annotations

import gradio as gr

from mia_demo.ui.shared.components import component_files


def gradient_figure() -> gr.HTML:
    """Shows ``understand_view.own_gradients_json``. Its event ``select``: it is (again) seen."""
    return gr.HTML(
        {},
        **component_files("understand/gradient_figure", "shared/seen_again"),
        apply_default_css=False,
    )
