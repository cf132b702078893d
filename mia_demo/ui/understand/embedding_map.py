"""Training images of a few identities as each lane's network sees them, with reconstructions."""

from __future__ import annotations

import gradio as gr

from mia_demo.ui.shared.components import component_files


def embedding_map() -> gr.HTML:
    """Shows ``understand_view.embedding_json``. Its event ``select``: a visitor (again) sees it."""
    return gr.HTML(
        {},
        **component_files("understand/embedding_map", "shared/elements", "shared/seen_again"),
        apply_default_css=False,
    )
