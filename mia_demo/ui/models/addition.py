"""An addition of the Models page while it runs: what the panel and the buttons show."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import gradio as gr

from mia_demo.ui.engine.device_queue import Waiting
from mia_demo.ui.engine.jobs import Job
from mia_demo.ui.models.view import progress_json
from mia_demo.ui.shared.handler import JobView, start_and_stop
from mia_demo.visitors.added_models import Addition, Checking
from mia_demo.zoo.hub import DownloadProgress

ADDITION_FAILED = "This failed unexpectedly; the server's log says why."

AdditionNews = DownloadProgress | Checking | Addition
Panel = dict[str, Any]


@dataclass(frozen=True)
class Form:
    """The state of the page at an event.

    Attributes:
        panel: this page's panel.
        attacked, ticked: people and lanes chosen on the Attack page.
        own: the panel of the visitor's own people.
    """

    request: gr.Request
    panel: Panel
    attacked: str
    ticked: list[str]
    own: Panel


# Panel, the Attack page's people and lanes after an addition; None means it was stopped.
Added = Callable[[Addition | None, Form, Panel], tuple[Any, Any, Any]]


class AdditionJobView(JobView[AdditionNews]):
    """Panel and buttons during an addition, and the Attack page's choices after it."""

    unexpected = ADDITION_FAILED
    unchanged = (gr.skip(), gr.skip())  # the Attack page's people and lanes

    def __init__(self, added: Added, form: Form) -> None:
        self.added = added
        self.form = form
        self.panel = form.panel
        self.addition: Addition | None = None

    def begin(self, key: str, status: str) -> None:
        """Sets the first status, and the key that will open what is added."""
        self.panel = told({**self.panel, "key": key}, status, "busy")

    def first(self, job: Job[AdditionNews]) -> tuple[Any, ...]:
        return self.panel, *self.unchanged, *start_and_stop(running=True)

    def show(self, update: AdditionNews | Waiting, job: Job[AdditionNews]) -> tuple[Any, ...]:
        panel = self.panel
        if isinstance(update, Addition):
            self.addition = update
        else:
            panel = {**panel, **progress_json(update)}
        return panel, *self.unchanged, *start_and_stop(running=True)

    def over(self, job: Job[AdditionNews]) -> tuple[Any, ...]:
        changed = self.added(self.addition, self.form, self.panel)
        return *changed, *start_and_stop(running=False)

    def failed(self, message: str) -> tuple[Any, ...]:
        return told(self.panel, message, "failed"), *self.unchanged, *start_and_stop(running=False)


def told(panel: Panel, status: str, phase: str, progress: float | None = None) -> Panel:
    return {**panel, "status": status, "phase": phase, "progress": progress}
