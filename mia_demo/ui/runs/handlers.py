"""What happens on the Runs page's events: list, open, rename, delete, compare, repeat, export."""

import base64
import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import gradio as gr

from mia_demo.errors import ConfigError, DataError
from mia_demo.runs.export import FILE_TYPES
from mia_demo.ui.boards.sweep_view import NO_SWEEP
from mia_demo.ui.engine.engine import Engine
from mia_demo.ui.engine.sessions import SessionJobs
from mia_demo.ui.engine.who_asks import is_private
from mia_demo.ui.runs.repeater import repeat_buttons
from mia_demo.ui.runs.shown_run import ShownRun
from mia_demo.ui.runs.visible_runs import visible_run, visible_runs
from mia_demo.ui.shared.handler import stream, toasts

FRAME_SECONDS = 1 / 8


@dataclass(frozen=True)
class Opened:
    """What lies beside the list, by part of the page."""

    details: dict[str, Any] = field(default_factory=dict)
    board: dict[str, Any] = field(default_factory=dict)
    compared: dict[str, Any] = field(default_factory=dict)
    training: dict[str, Any] = field(default_factory=dict)
    other_training: dict[str, Any] = field(default_factory=dict)
    sweep: dict[str, Any] = field(default_factory=NO_SWEEP.to_json)

    def values(self) -> tuple[Any, ...]:
        """In the order of the page's outputs, the buttons for a repetition last."""
        parts = (self.board, self.compared, self.training, self.other_training, self.sweep)
        return self.details, *parts, *repeat_buttons(can_start=bool(self.details.get("command")))


class RunsHandlers:
    """Handlers that share one engine."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.repetitions: SessionJobs[Any] = SessionJobs()
        self._numbers = itertools.count(1)

    # -- the list -----------------------------------------------------------------------------

    def listing(self, request: gr.Request) -> dict[str, Any]:
        """Every run that this visitor may see: one's own newest first, then the recorded ones."""
        runs = visible_runs(self.engine, request)
        own = [shown for shown in runs if not shown.run.is_recorded]
        own.sort(key=lambda shown: shown.run.date, reverse=True)
        items = []
        for shown in (*own, *(shown for shown in runs if shown.run.is_recorded)):
            try:
                items.append(shown.item())
            except DataError as error:
                items.append(shown.damaged_item(str(error)))
        return {"items": items, "private": is_private(request)}

    def rename(self, asked: dict[str, Any], request: gr.Request) -> dict[str, Any]:
        """Names a run; an empty name gives it its usual title back."""
        with toasts():
            shown = self._changeable(asked, request)
            self.engine.kept.names.set(shown.run.key, str(asked.get("name", "")))
        return self.listing(request)

    def delete(
        self, asked: dict[str, Any], details: dict[str, Any], request: gr.Request
    ) -> tuple[Any, ...]:
        """The confirmed delete button: the list, and nothing opened of what is gone."""
        with toasts():
            shown = self._changeable(asked, request)
            key = shown.run.key
            is_beside = details.get("key", key) == key  # opened, or one of two that are compared
            if is_beside:
                self.repetitions.end(str(request.session_hash))
            shown.delete()
            self.engine.kept.names.set(key, "")
        listing = self.listing(request)
        values = Opened().values()
        return (listing, *(values if is_beside else (gr.skip() for _ in values)))

    # -- one run, or two ----------------------------------------------------------------------

    def open(self, asked: dict[str, Any], request: gr.Request) -> tuple[Any, ...]:
        """A run: its head, its board or curves, no comparison; and the button to repeat it."""
        self.repetitions.end(str(request.session_hash))
        with toasts():
            shown = self._find(asked.get("chosen"), request)
            return Opened(shown.head(), **shown.parts()).values()

    def follow(self, details: dict[str, Any], request: gr.Request) -> tuple[Any, ...]:
        """A link names a run."""
        return self.open({"chosen": details.get("key")}, request)

    def compare(self, asked: dict[str, Any], request: gr.Request) -> tuple[Any, ...]:
        """Two runs of a kind side by side."""
        self.repetitions.end(str(request.session_hash))
        with toasts():
            keys = asked.get("compared", [])
            if len(keys) != 2:
                raise ConfigError("Tick two runs to compare them.")
            first, second = (self._find(key, request) for key in keys)
            if first.run.kind != second.run.kind:
                raise ConfigError("Tick two runs of the same kind: attacks, trainings or sweeps.")
            return Opened({"compared": True}, **first.compared_parts(second)).values()

    def repeat(self, details: dict[str, Any], request: gr.Request) -> Iterator[tuple[Any, ...]]:
        """Runs the opened run again, live, and says whether the result is the same."""
        with toasts():
            repeater = self._find(details.get("key"), request).repeater()
        yield from stream(
            self.repetitions, request, repeater.start, repeater, interval=FRAME_SECONDS
        )

    def download(self, asked: dict[str, Any], request: gr.Request) -> dict[str, Any]:
        """A file for the browser to save; it never touches the server's disk."""
        kind = str(asked.get("wanted", ""))
        with toasts():
            name, content = self._find(asked.get("key"), request).download(kind)
        return {
            "number": next(self._numbers),  # the same file may be wanted twice
            "name": name,
            "type": FILE_TYPES[kind],
            "content": base64.b64encode(content).decode("ascii"),
        }

    # -----------------------------------------------------------------------------------------

    def _find(self, key: object, request: gr.Request) -> ShownRun[Any]:
        return visible_run(self.engine, request, str(key))

    def _changeable(self, asked: dict[str, Any], request: gr.Request) -> ShownRun[Any]:
        """The chosen run.

        Raises:
            ConfigError: there is none that this visitor may see and change.
        """
        shown = self._find(asked.get("chosen"), request)
        if shown.run.is_recorded:
            raise ConfigError("This run came with the demo and is not yours to change.")
        return shown
