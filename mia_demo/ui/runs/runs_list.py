"""The list of runs: search, open, compare, rename, delete."""

from __future__ import annotations

import gradio as gr

from mia_demo.ui.shared.components import component_files


def runs_list() -> gr.HTML:
    """Shows ``{items, private}``.

    Its events say what is wanted of the run ``chosen``: ``select`` (open), ``edit`` (call it
    ``name``) and ``delete``; ``apply`` asks to compare the two in ``compared``.
    """
    return gr.HTML(
        {}, **component_files("runs/runs_list", "shared/elements"), apply_default_css=False
    )
