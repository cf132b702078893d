"""The smoothed label, softmax and logit gradient of one photo, as bars and in the formula."""

from __future__ import annotations

import gradio as gr

from mia_demo.ui.shared.components import component_files


def label_formula() -> gr.HTML:
    """Shows ``understand_view.label_json``. Its event ``select``: a visitor (again) sees it."""
    return gr.HTML(
        {},
        **component_files("understand/label_formula", "shared/seen_again"),
        apply_default_css=False,
    )
