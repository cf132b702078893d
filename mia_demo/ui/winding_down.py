"""Buttons that end a job: "Stopping …" is shown before the job is told.

Told at once, a quick job's last word can reach the browser first, and "Stopping …" then stays.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import gradio as gr
from gradio.components import Component

from mia_demo.ui.sessions import SessionJobs


def ends_job(
    button: gr.Button,
    word: str,
    jobs: SessionJobs[Any],
    handler: Callable[..., Any],
    outputs: Sequence[Component],
) -> None:
    """Wires a button to a handler that ends the visitor's job.

    Args:
        word: what the button says until the job's last word resets it.
        handler: ends the job; without one it returns the button as it is at rest.
    """

    def show(request: gr.Request) -> Any:
        if jobs.job_of(str(request.session_hash)) is None:
            return gr.skip()
        return gr.update(interactive=False, value=word)

    shown = button.click(show, None, button, queue=False, api_visibility="private")
    shown.then(handler, None, list(outputs), queue=False, api_visibility="private")
