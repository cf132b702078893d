"""Updates of what stands around a training: its buttons, and the other pages' lanes and people."""

from __future__ import annotations

from typing import Any

import gradio as gr

from mia_demo.ui.engine.engine import EMBEDDED, Engine
from mia_demo.ui.engine.jobs import Job
from mia_demo.ui.engine.people_training import Series
from mia_demo.ui.shared.job_buttons import PAUSING, STOPPING, while_running
from mia_demo.ui.shared.model_access import hub_choices
from mia_demo.ui.shared.people_view import people_choices
from mia_demo.visitors.own_people import OwnPeople

THREE = "Train all three lanes"


def attackable(engine: Engine, request: gr.Request, own: OwnPeople | None, *, show: bool) -> Any:
    """The Attack page's choice of people.

    Args:
        own: the visitor's, offered once a classifier is trained on them.
        show: choose them.
    """
    hub = hub_choices(engine, request)
    if own is None or not own.zoo.target_names():
        return gr.update(choices=[*people_choices(engine.embedded), *hub], value=EMBEDDED)
    chosen = {"value": own.key} if show else {}
    return gr.update(choices=[*people_choices(engine.embedded, own), *hub], **chosen)


def ticked_lanes(
    choices: list[tuple[str, str]], ticked: list[str], *new: str, most: int | None = None
) -> Any:
    """A page's lanes: those that were ticked stay so, new ones are ticked.

    Where that changes no tick, none is set: the visitor may have changed one meanwhile.

    Args:
        most: beyond so many, new ones stay unticked.
    """
    names = [name for _, name in choices]
    stay = [name for name in ticked if name in names]
    added = [name for name in names if name in new and name not in stay]
    value = [*stay, *added][: max(len(stay), most or len(names))]
    changes = {"value": [name for name in names if name in value]}
    return gr.update(choices=choices, **(changes if set(value) != set(ticked) else {}))


def running_buttons(job: Job[Any]) -> tuple[Any, Any, Any, Any]:
    """Start, pause, stop, and the quick option, in every frame of the job."""
    return (
        gr.update(interactive=False),
        while_running("Pause", PAUSING, job),
        while_running("Stop", STOPPING, job),
        gr.update(interactive=False),
    )


def idle_buttons(unfinished: Series | None = None) -> tuple[Any, Any, Any, Any]:
    """The same when nothing runs; an unfinished training can be gone on with or given up."""
    is_paused = unfinished is not None
    is_three = unfinished is not None and unfinished.is_three
    return (
        gr.update(interactive=True, value="Resume" if is_paused and not is_three else "Start"),
        gr.update(interactive=False, value="Pause"),
        gr.update(interactive=is_paused, value="Stop"),
        gr.update(interactive=True, value=f"Resume: {THREE.lower()}" if is_three else THREE),
    )
