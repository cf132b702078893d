"""The attack: real photos, one column a lane, stage and step, live curves."""

from __future__ import annotations

from typing import Any

import gradio as gr

from mia_demo.ui.components import component_files


def attack_board(value: dict[str, Any]) -> gr.HTML:
    """Shows a ``BoardView`` as JSON; all pictures of a frame arrive in one message."""
    return gr.HTML(value, **component_files("attack_board"), apply_default_css=False)
