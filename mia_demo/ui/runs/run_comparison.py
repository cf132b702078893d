"""Two runs side by side: settings that differ, and pictures lane by lane."""

from __future__ import annotations

import gradio as gr

from mia_demo.ui.shared.components import component_files


def run_comparison() -> gr.HTML:
    """Shows ``runs_view.comparison``; nothing while its value is empty."""
    return gr.HTML(
        {}, **component_files("runs/run_comparison", "shared/elements"), apply_default_css=False
    )
