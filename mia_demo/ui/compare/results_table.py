"""Figures of a sweep, sortable by any column."""

from __future__ import annotations

import gradio as gr

from mia_demo.ui.shared.components import component_files


def results_table(name: str) -> gr.HTML:
    """Shows a table of ``CompareView``.

    Args:
        name: unique on the page, for the ids inside.
    """
    files = component_files("compare/results_table")
    template = files.pop("html_template").replace("figures-title", f"{name}-title")
    return gr.HTML({}, html_template=template, **files, apply_default_css=False)
