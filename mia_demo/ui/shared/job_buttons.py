"""Buttons that start and end a job.

Two races of the page decide how they are told apart from the job's frames:

- Every frame of a stream says again how the buttons are. Gradio's client applies a frame's changes
  to the object that holds the frame before it; frames that reach the page together, as they do when
  they overtake the answer to the click, therefore all read like the last one. A Stop button that is
  named in the first frame alone would then stay disabled.
- "Stopping …" is shown before the job is told. Told at once, a quick job's last word can reach the
  browser first, and "Stopping …" then stays.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import gradio as gr
from gradio.components import Component

from mia_demo.ui.engine.jobs import Job
from mia_demo.ui.engine.sessions import SessionJobs

PAUSING = "Pausing …"
STOPPING = "Stopping …"


def start_and_stop(*, running: bool) -> tuple[Any, Any]:
    """A start button and its stop button."""
    return gr.update(interactive=not running), gr.update(interactive=running)


def while_running(at_rest: str, ending: str, job: Job[Any]) -> Any:
    """The button wired by ``ends_job``, as each frame of the job says it.

    Args:
        at_rest: what the button says until it is pressed.
        ending: what it says from then on.
    """
    is_pressed = ending in job.endings
    return gr.update(interactive=not is_pressed, value=ending if is_pressed else at_rest)


def ends_job(
    button: gr.Button,
    ending: str,
    jobs: SessionJobs[Any],
    handler: Callable[..., Any],
    outputs: Sequence[Component],
) -> None:
    """Wires a button to a handler that ends the visitor's job.

    Args:
        ending: what the button says until the job's last word resets it.
        handler: ends the job; without one it returns the button as it is at rest.
    """

    def show(request: gr.Request) -> Any:
        job = jobs.job_of(str(request.session_hash))
        if job is None:
            return gr.skip()
        job.endings.add(ending)
        return gr.update(interactive=False, value=ending)

    shown = button.click(show, None, button, queue=False, api_visibility="private")
    shown.then(handler, None, list(outputs), queue=False, api_visibility="private")
