"""The figures of a sweep, sortable by any column."""

from __future__ import annotations

import gradio as gr

from mia_demo.ui.components import component_files


def results_table() -> gr.HTML:
    """Shows ``CompareView.table``."""
    return gr.HTML({}, **component_files("results_table"), apply_default_css=False)
