"""The head of an opened run: what it was, how to repeat it, files to take home."""

from __future__ import annotations

import gradio as gr

from mia_demo.ui.shared.components import component_files


def run_details() -> gr.HTML:
    """Shows a run's details.

    Its event ``download`` asks for the kind of file in ``wanted``, ``select`` for the page in
    ``link``.
    """
    return gr.HTML({}, **component_files("runs/run_details"), apply_default_css=False)
