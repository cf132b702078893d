"""The smoothed label of one training photo as bars, drawn in the browser."""

from __future__ import annotations

import gradio as gr

from mia_demo.ui.shared.components import component_files


def smoothed_label(alpha: float, num_classes: int) -> gr.HTML:
    """Shows y_LS = (1 - α) onehot + α / C; its value is α."""
    return gr.HTML(
        alpha,
        **component_files("train/smoothed_label"),
        apply_default_css=False,
        classes=num_classes,
    )
