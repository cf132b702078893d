"""Links to the sections of the Understand page; the newest one followed is part of the address."""

from __future__ import annotations

import gradio as gr

from mia_demo.ui.shared.components import component_files

SECTIONS = ("toy", "embedding", "gradients", "labels", "threat", "glossary", "sources")


def section_links() -> gr.HTML:
    """Its value is one of ``SECTIONS``; setting it scrolls there."""
    return gr.HTML("", **component_files("understand/section_links"), apply_default_css=False)
