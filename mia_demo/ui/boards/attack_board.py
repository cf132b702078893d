"""The attack: real photos, one column a lane, stage and step, live curves."""

from __future__ import annotations

from typing import Any

import gradio as gr

from mia_demo.ui.shared.components import component_files


def attack_board(value: dict[str, Any], name: str = "attack") -> gr.HTML:
    """Shows a ``BoardView`` as JSON; all pictures of a frame arrive in one message.

    A value with a ``replay`` plays it, all in the browser.

    Args:
        name: unique in the app, for the ids inside.
    """
    files, player = (
        component_files("boards/attack_board", "shared/elements"),
        component_files("boards/replay_player"),
    )
    files["html_template"] = (
        files["html_template"]
        .replace("photos-title", f"{name}-photos-title")
        .replace("<!-- player -->", player["html_template"])
    )
    files["css_template"] += player["css_template"]
    files["js_on_load"] = player["js_on_load"] + files["js_on_load"]
    return gr.HTML(value, **files, apply_default_css=False)
