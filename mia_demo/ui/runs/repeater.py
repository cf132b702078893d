"""A kept run once more: the job, what the page shows meanwhile, and whether the result is the same.

Nothing of a repetition is kept.
"""

import secrets
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import gradio as gr

from mia_demo.attack.lanes import stage_names
from mia_demo.errors import ConfigError
from mia_demo.runs.repetition import Repetition
from mia_demo.ui.boards.attack_presenter import BoardPresenter
from mia_demo.ui.boards.sweep_view import SweepPresenter
from mia_demo.ui.boards.training_view import TrainingPresenter
from mia_demo.ui.engine.device_queue import Waiting
from mia_demo.ui.engine.engine import Engine
from mia_demo.ui.engine.jobs import Job
from mia_demo.ui.shared.handler import JobView

STOPPED = "The repetition was stopped; nothing is compared."
PARTS = ("board", "training", "sweep")  # that show a running repetition, in the page's order

Presenter = BoardPresenter | TrainingPresenter | SweepPresenter


class Repeater(JobView[Any]):
    """Repeats one run. The job yields updates for a board; ``result`` may be the last one.

    Args:
        head: of the opened run; what came out is added to it.
        presenter: of the board that shows the repetition.

    Attributes:
        part: of the page that has this board, one of ``PARTS``.
        result: how the repetition compares, once it has ended by itself.
    """

    unexpected = "The repetition failed unexpectedly; the server's log says why."
    part: str

    def __init__(self, head: dict[str, Any], presenter: Presenter) -> None:
        self._head = head
        self._presenter = presenter
        self.result: Repetition | None = None

    @abstractmethod
    def start(self) -> Job[Any]:
        """Starts the job.

        Raises:
            DemoError: the queue is full.
        """

    @abstractmethod
    def ended(self) -> Any:
        """The board's view when the job has ended or was stopped."""

    def first(self, job: Job[Any]) -> tuple[Any, ...]:
        return self._values(self._head, self._presenter.view, running=True)

    def show(self, update: Any, job: Job[Any]) -> tuple[Any, ...]:
        if isinstance(update, Repetition):
            self.result = update
            view = self.ended()
        elif isinstance(update, Waiting):
            view = self._presenter.waiting(update)
        else:
            view = self._presenter.update(update)
        return self._values(gr.skip(), view, running=True)

    def over(self, job: Job[Any]) -> tuple[Any, ...]:
        told: dict[str, Any] = {"repeated": STOPPED}
        if self.result is not None and not job.stopped:
            words = repetition_words(self.result, self._head["caveat"])
            told = {"repeated": words, "identical": self.result.is_identical}
        return self._values({**self._head, **told}, self.ended())

    def failed(self, message: str) -> tuple[Any, ...]:
        return self._values(self._head, self._presenter.failed(message))

    def _values(self, head: Any, view: Any, *, running: bool = False) -> tuple[Any, ...]:
        parts = (view.to_json() if part == self.part else gr.skip() for part in PARTS)
        return head, *parts, *repeat_buttons(running=running, can_start=True)


def repeat_buttons(*, running: bool = False, can_start: bool = False) -> tuple[Any, Any]:
    """Run again, stop."""
    is_shown = running or can_start
    return (
        gr.update(interactive=not running, visible=is_shown),
        gr.update(interactive=running, visible=is_shown),
    )


def repetition_words(result: Repetition, changes: str) -> str:
    """Whether a repetition is the same, in a sentence or two."""
    if result.is_identical:
        return f"Repeated: all {result.total:,} {result.what} are identical, to the bit."
    different = result.total - result.same
    why = changes or "Nothing that is known to matter has changed since."
    return (
        f"Repeated: {different:,} of {result.total:,} {result.what} differ, by up to "
        f"{result.largest}. {why}"
    )


def unused_folder(engine: Engine, prefix: str) -> Path:
    """A folder among the runs that does not exist yet."""
    return engine.runs / f"{prefix}{secrets.token_hex(6)}"


def check_lanes_exist(engine: Engine, lanes: Sequence[str], checkpoints: Mapping[str, str]) -> None:
    """
    Args:
        checkpoints: sha256 of the run's networks: another visitor's may have got the same name.

    Raises:
        ConfigError: a classifier that these lanes attack is gone.
    """
    offered = engine.zoo.target_names()
    for name in (name for lane in lanes for name in stage_names(lane)):
        entry = engine.zoo.find(name)
        if name not in offered and (entry is None or entry.stored.sha256 != checkpoints.get(name)):
            raise ConfigError(
                f"The classifier {name!r} of this run is gone, so it cannot be repeated."
            )
