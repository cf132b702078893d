"""What happens on the Runs page's events: list, open, rename, delete, compare, repeat, export."""

from __future__ import annotations

import base64
import itertools
import logging
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import gradio as gr

from mia_demo.errors import ConfigError, DataError, DemoError
from mia_demo.runs.export import KINDS, export, file_name
from mia_demo.runs.folder import AttackRun
from mia_demo.sweep.library import ResultsLibrary
from mia_demo.ui.boards.replay_view import run_board
from mia_demo.ui.boards.sweep_view import NO_SWEEP as NO_SWEEP
from mia_demo.ui.engine.engine import Engine
from mia_demo.ui.engine.sessions import SessionJobs
from mia_demo.ui.runs.run_repetition import Shown, again
from mia_demo.ui.runs.sweep_runs import SweepRun, sweep_comparison, sweep_details, sweep_item
from mia_demo.ui.runs.training_runs import (
    TrainingRun,
    training_board,
    training_comparison,
    training_details,
    training_item,
    training_json,
)
from mia_demo.ui.runs.view import attack_details, attack_item, comparison, repetition_words
from mia_demo.ui.shared.access import is_private, visible_run, visible_runs

FRAME_SECONDS = 1 / 8
PHOTO_SIZE = 128
STOPPED = "The repetition was stopped; nothing is compared."
UNEXPECTED = "The repetition failed unexpectedly; the server's log says why."

Run = AttackRun | TrainingRun | SweepRun

log = logging.getLogger(__name__)


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
        return self.details, *parts, *_buttons(can_start=bool(self.details.get("key")))


class RunsHandlers:
    """Handlers that share one engine."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.library = ResultsLibrary(engine.zoo, engine.runs)
        self.repetitions: SessionJobs[Any] = SessionJobs()
        self._numbers = itertools.count(1)

    # -- the list -----------------------------------------------------------------------------

    def listing(self, request: gr.Request) -> dict[str, Any]:
        """Every run that this visitor may see: one's own newest first, then the recorded ones."""
        private = is_private(request)
        own: list[tuple[str, dict[str, Any]]] = []
        recorded = []
        for run in visible_runs(self.engine, request):
            try:
                item = attack_item(run, may_change=not run.is_recorded)
            except DataError as error:
                log.warning("left out: %s", error)
                continue
            if run.is_recorded:
                recorded.append(item)
            else:
                own.append((run.report["date"], item))
        own += [(run.date, training_item(run)) for run in self._trainings(request)]
        for sweep in self._sweeps(request):
            item = sweep_item(sweep, may_change=private and not sweep.is_recorded)
            if sweep.is_recorded:
                recorded.append(item)
            else:
                own.append((sweep.date, item))
        own.sort(key=lambda pair: pair[0], reverse=True)
        return {"items": [*(item for _, item in own), *recorded], "private": private}

    def rename(self, asked: dict[str, Any], request: gr.Request) -> dict[str, Any]:
        """A new name for a run; an empty one gives it its usual title back."""
        try:
            key = str(asked.get("chosen", ""))
            self._check_change(key, request)
            self.engine.kept.names.set(key, str(asked.get("name", "")))
        except DemoError as error:
            raise _toast(str(error)) from error
        return self.listing(request)

    def delete(
        self, asked: dict[str, Any], details: dict[str, Any], request: gr.Request
    ) -> tuple[Any, ...]:
        """The confirmed delete button: the list, and nothing opened of what is gone."""
        key = str(asked.get("chosen", ""))
        try:
            self._check_change(key, request)
            self._delete(key, request)
        except DemoError as error:
            raise _toast(str(error)) from error
        listing = self.listing(request)
        is_beside = details.get("key", key) == key  # opened, or one of two that are compared
        values = Opened().values()
        return (listing, *(values if is_beside else (gr.skip() for _ in values)))

    # -- one run, or two ----------------------------------------------------------------------

    def open(self, asked: dict[str, Any], request: gr.Request) -> tuple[Any, ...]:
        """A run: its head, its board or curves, no comparison; and the button to repeat it."""
        self.repetitions.release(str(request.session_hash))
        try:
            run = self._find(str(asked.get("chosen", "")), request)
            return Opened(self._head(run), **self._parts(run)).values()
        except DemoError as error:
            raise _toast(str(error)) from error

    def compare(self, asked: dict[str, Any], request: gr.Request) -> tuple[Any, ...]:
        """Two runs of a kind side by side."""
        self.repetitions.release(str(request.session_hash))
        try:
            keys = [str(key) for key in asked.get("compared", [])]
            if len(keys) != 2:
                raise ConfigError("Tick two runs to compare them.")
            first, second = (self._find(key, request) for key in keys)
            return self._comparison(first, second).values()
        except DemoError as error:
            raise _toast(str(error)) from error

    def repeat(self, details: dict[str, Any], request: gr.Request) -> Iterator[tuple[Any, ...]]:
        """The same run again, live, and whether the result is the same."""
        session = str(request.session_hash)
        try:
            run = self._find(str(details.get("key", "")), request)
            head = self._head(run)
            repeated = again(self.engine, run)
            job = self.repetitions.start(session, repeated.start)
        except DemoError as error:
            raise _toast(str(error)) from error
        idle = _buttons(can_start=True)
        yield head, *_changed(repeated.first()), *_buttons(running=True)
        try:
            for update in job.updates(FRAME_SECONDS):
                yield gr.skip(), *_changed(repeated.show(update)), *_buttons(running=True)
            if self.repetitions.job_of(session) is not job:
                return  # another run has the page now
            result = None if job.stopped else repeated.result()
            head["repeated"] = STOPPED
            if result is not None:
                head["repeated"] = repetition_words(result, head["caveat"])
                head["identical"] = result.is_identical
            yield head, *_changed(repeated.over()), *idle
        except DemoError as error:
            yield head, *_changed(repeated.failed(str(error))), *idle
            raise _toast(str(error)) from error
        except Exception as error:
            log.exception("repetition failed")
            yield head, *_changed(repeated.failed(UNEXPECTED)), *idle
            raise _toast(UNEXPECTED) from error
        finally:
            self.repetitions.release(session, job)

    def stop(self, request: gr.Request) -> None:
        """The stop button: the repetition ends after its step."""
        job = self.repetitions.job_of(str(request.session_hash))
        if job is not None:
            job.stop()

    def download(self, asked: dict[str, Any], request: gr.Request) -> dict[str, Any]:
        """A file for the browser to save; it never touches the server's disk."""
        try:
            run = self._find(str(asked.get("key", "")), request)
            kind = str(asked.get("wanted", ""))
            if isinstance(run, AttackRun):
                name, content = file_name(run, kind), export(run, kind, self._photo(run))
            elif isinstance(run, TrainingRun) and kind == "json":
                name = f"training-{run.entry.name}.json"
                content = training_json(run, self.engine.zoo)
            else:
                raise ConfigError(f"There is no {kind!r} download of this run.")
        except DemoError as error:
            raise _toast(str(error)) from error
        return {
            "number": next(self._numbers),  # the same file may be wanted twice
            "name": name,
            "type": KINDS[kind],
            "content": base64.b64encode(content).decode("ascii"),
        }

    # -----------------------------------------------------------------------------------------

    def _find(self, key: str, request: gr.Request) -> Run:
        """The run of this key, found by listing.

        Raises:
            ConfigError: there is none that this visitor may see.
        """
        others: list[TrainingRun | SweepRun] = [*self._trainings(request), *self._sweeps(request)]
        for run in others:
            if run.key == key:
                return run
        return visible_run(self.engine, request, key)

    def _head(self, run: Run) -> dict[str, Any]:
        if isinstance(run, TrainingRun):
            return training_details(run, self.engine.compute)
        if isinstance(run, SweepRun):
            return sweep_details(run, self.engine)
        return attack_details(self.engine, run)

    def _parts(self, run: Run) -> Shown:
        if isinstance(run, AttackRun):
            return {"board": run_board(self.engine, run)}
        if isinstance(run, TrainingRun):
            return {"training": training_board(run, self.engine.zoo)}
        return {}

    def _comparison(self, first: Run, second: Run) -> Opened:
        details = {"compared": True}
        targets = self.engine.zoo.target_names()
        if isinstance(first, AttackRun) and isinstance(second, AttackRun):
            return Opened(details, compared=comparison(first, second, targets))
        if isinstance(first, SweepRun) and isinstance(second, SweepRun):
            return Opened(details, compared=sweep_comparison(first, second, targets))
        if isinstance(first, TrainingRun) and isinstance(second, TrainingRun):
            return Opened(
                details,
                compared=training_comparison(first, second),
                training=training_board(first, self.engine.zoo),
                other_training=training_board(second, self.engine.zoo),
            )
        raise ConfigError("Tick two runs of the same kind: attacks, trainings or sweeps.")

    def _sweeps(self, request: gr.Request) -> list[SweepRun]:
        """Whose a sweep is was never noted, so only the owner of the machine sees all."""
        private = is_private(request)
        names = self.engine.kept.names
        return [
            SweepRun(sweep, names.get(sweep.key))
            for sweep in self.library.sweeps()
            if private or sweep.is_recorded
        ]

    def _trainings(self, request: gr.Request) -> list[TrainingRun]:
        if not is_private(request):
            return []
        runs = [TrainingRun(entry) for entry in self.engine.zoo.own.targets()]
        return [replace(run, name=self.engine.kept.names.get(run.key)) for run in runs]

    def _check_change(self, key: str, request: gr.Request) -> None:
        run = self._find(key, request)
        may_change = isinstance(run, TrainingRun) or not run.is_recorded
        if not may_change:
            raise ConfigError("This run came with the demo and is not yours to change.")

    def _delete(self, key: str, request: gr.Request) -> None:
        run = self._find(key, request)
        if isinstance(run, AttackRun):
            self.engine.kept.delete(key)
            return
        if isinstance(run, TrainingRun):
            self.engine.delete_target(run.entry.name)
        else:
            shutil.rmtree(run.sweep.folder, ignore_errors=True)
        self.engine.kept.names.set(key, "")

    def _photo(self, run: AttackRun) -> Any:
        identity = run.config.identity
        if identity >= len(self.engine.identities):
            return None
        images, _ = self.engine.identities.tensors(PHOTO_SIZE, labels=[identity], indices=[0])
        return images[0].permute(1, 2, 0).numpy()


def _buttons(*, running: bool = False, can_start: bool = False) -> tuple[Any, Any]:
    """Run again, stop."""
    is_shown = running or can_start
    return (
        gr.update(interactive=not running, visible=is_shown),
        gr.update(interactive=running, visible=is_shown),
    )


def _changed(shown: Shown) -> tuple[Any, Any, Any]:
    """Board, training and sweep; what is not named stays."""
    board, training, sweep = (shown.get(part, gr.skip()) for part in ("board", "training", "sweep"))
    return board, training, sweep


def _toast(message: str) -> gr.Error:
    """One message for the visitor, and no traceback in the server's log for a visitor's slip."""
    return gr.Error(message, print_exception=False)
