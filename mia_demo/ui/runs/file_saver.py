"""Hands a file that the server made to the browser, which saves it as a download."""

from __future__ import annotations

import gradio as gr

from mia_demo.ui.shared.components import component_files


def file_saver() -> gr.HTML:
    """Saves its value ``{number, name, type, content}`` once; the content is base64."""
    return gr.HTML({}, **component_files("runs/file_saver"), apply_default_css=False)
