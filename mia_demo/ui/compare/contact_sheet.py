"""All identities: a training photo beside the lanes' best reconstructions."""

from __future__ import annotations

import gradio as gr

from mia_demo.ui.shared.components import component_files


def contact_sheet() -> gr.HTML:
    """Shows ``CompareView.sheet``."""
    return gr.HTML(
        {}, **component_files("compare/contact_sheet", "shared/elements"), apply_default_css=False
    )
