"""What happens on the Runs page's events: list, open, rename, delete, compare, repeat, export."""

from __future__ import annotations

import base64
import itertools
import logging
import shutil
from collections.abc import Iterator
from typing import Any

import gradio as gr

from mia_demo.attack.lanes import stage_names
from mia_demo.errors import ConfigError, DataError, DemoError
from mia_demo.evaluation.library import ResultsLibrary, Sweep
from mia_demo.layered_zoo import OWN_FOLDER
from mia_demo.runs.comparison import repetition
from mia_demo.runs.export import KINDS, export, file_name
from mia_demo.runs.folder import AttackRun
from mia_demo.ui.attack_view import BoardPresenter
from mia_demo.ui.engine import Engine, Tracked
from mia_demo.ui.jobs import Waiting
from mia_demo.ui.model_access import attack_lanes
from mia_demo.ui.replay_view import blank_board, caveat, run_board
from mia_demo.ui.run_access import is_private, visible_run, visible_runs
from mia_demo.ui.runs_view import (
    attack_details,
    attack_item,
    comparison,
    repetition_words,
    sweep_details,
    sweep_item,
    training_details,
    training_item,
)
from mia_demo.ui.sessions import SessionJobs
from mia_demo.ui.train_updates import ticked_lanes
from mia_demo.ui.training_view import lane_choices
from mia_demo.zoo import CheckpointEntry

FRAME_SECONDS = 1 / 8
PHOTO_SIZE = 128
UNEXPECTED = "The repetition failed unexpectedly; the server's log says why."

log = logging.getLogger(__name__)


class RunsHandlers:
    """Handlers that share one engine."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.library = ResultsLibrary(engine.zoo, engine.runs)
        self.repetitions: SessionJobs[Tracked] = SessionJobs()
        self._numbers = itertools.count(1)

    # -- the list -----------------------------------------------------------------------------

    def listing(self, request: gr.Request) -> dict[str, Any]:
        """Every run that this visitor may see."""
        private = is_private(request)
        items = []
        for run in visible_runs(self.engine, request):
            try:
                items.append(attack_item(run, may_change=not run.is_recorded))
            except DataError as error:
                log.warning("left out: %s", error)
        names = self.engine.kept.names
        items += [training_item(key, e, names.get(key)) for key, e in self._trainings(request)]
        items += [
            sweep_item(sweep, names.get(sweep.key), may_change=private and not sweep.is_recorded)
            for sweep in self._sweeps(request)
        ]
        return {"items": items, "private": private}

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
            kind = self._delete(key, request)
        except DemoError as error:
            raise _toast(str(error)) from error
        is_open = details.get("key") == key
        return (
            {**self.listing(request), "deleted": kind},
            {} if is_open else gr.skip(),
            {} if is_open else gr.skip(),
            {},
            *(_buttons(can_start=False) if is_open else (gr.skip(), gr.skip())),
        )

    def lanes(self, request: gr.Request, listing: dict[str, Any], *chosen: list[str]) -> list[Any]:
        """Lanes of the Attack page, then of others, without that of a training deleted here."""
        if listing.get("deleted") != "training":
            return [gr.skip() for _ in chosen]
        zoo = self.engine.zoo
        common = lane_choices(zoo.target_names(), zoo.own_entries())
        choices = [attack_lanes(self.engine, request, self.engine.embedded)]
        choices += [common] * (len(chosen) - 1)
        return [ticked_lanes(*pair) for pair in zip(choices, chosen, strict=True)]

    # -- one run, or two ----------------------------------------------------------------------

    def open(self, asked: dict[str, Any], request: gr.Request) -> tuple[Any, ...]:
        """A run: its head, its board, no comparison; and whether it can be repeated."""
        self.repetitions.release(str(request.session_hash))
        key = str(asked.get("chosen", ""))
        try:
            for name, entry in self._trainings(request):
                if name == key:
                    title = self.engine.kept.names.get(key)
                    return training_details(key, entry, title), {}, {}, *_buttons(can_start=False)
            for sweep in self._sweeps(request):
                if sweep.key == key:
                    title = self.engine.kept.names.get(key)
                    return sweep_details(sweep, title), {}, {}, *_buttons(can_start=False)
            run = visible_run(self.engine, request, key)
            board = run_board(self.engine, run)
            return attack_details(self.engine, run), board, {}, *_buttons(can_start=True)
        except DemoError as error:
            raise _toast(str(error)) from error

    def compare(self, asked: dict[str, Any], request: gr.Request) -> tuple[Any, ...]:
        """Two attacks side by side."""
        self.repetitions.release(str(request.session_hash))
        try:
            keys = [str(key) for key in asked.get("compared", [])]
            if len(keys) != 2:
                raise ConfigError("Tick two attacks to compare them.")
            first, second = (visible_run(self.engine, request, key) for key in keys)
            shown = comparison(first, second, self.engine.zoo.target_names())
        except DemoError as error:
            raise _toast(str(error)) from error
        return {}, {}, shown, *_buttons(can_start=False)

    def repeat(self, details: dict[str, Any], request: gr.Request) -> Iterator[tuple[Any, ...]]:
        """The same attack again, live, and whether the pictures are the same."""
        session = str(request.session_hash)
        try:
            run = visible_run(self.engine, request, str(details.get("key", "")))
            self._check_lanes(run)
            presenter = BoardPresenter(blank_board(self.engine, run), run.config)
            job = self.repetitions.start(session, lambda: self.engine.repeat(run))
        except DemoError as error:
            raise _toast(str(error)) from error
        head = attack_details(self.engine, run)
        yield head, presenter.board.to_json(), *_buttons(running=True)
        latest: Tracked | None = None
        try:
            for update in job.updates(FRAME_SECONDS):
                if isinstance(update, Waiting):
                    board = presenter.waiting(update)
                else:
                    board, latest = presenter.frame(update), update
                yield gr.skip(), board.to_json(), gr.skip(), gr.skip()
            if self.repetitions.job_of(session) is not job:
                return  # another run has the board now
            if job.stopped or latest is None:
                head["repeated"] = "The repetition was stopped; nothing is compared."
            else:
                result = repetition(run, latest.frame)
                head["repeated"] = repetition_words(result, caveat(self.engine, run))
                head["identical"] = result.is_identical
            board = presenter.board if run.is_complete else presenter.stopped()
            yield head, board.to_json(), *_buttons(can_start=True)
        except DemoError as error:
            yield head, presenter.failed(str(error)).to_json(), *_buttons(can_start=True)
            raise _toast(str(error)) from error
        except Exception as error:
            log.exception("repetition failed")
            yield head, presenter.failed(UNEXPECTED).to_json(), *_buttons(can_start=True)
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
            run = visible_run(self.engine, request, str(asked.get("key", "")))
            kind = str(asked.get("wanted", ""))
            content = export(run, kind, self._photo(run))
        except DemoError as error:
            raise _toast(str(error)) from error
        return {
            "number": next(self._numbers),  # the same file may be wanted twice
            "name": file_name(run, kind),
            "type": KINDS[kind],
            "content": base64.b64encode(content).decode("ascii"),
        }

    # -----------------------------------------------------------------------------------------

    def _sweeps(self, request: gr.Request) -> list[Sweep]:
        """Whose a sweep is was never noted, so only the owner of the machine sees all."""
        private = is_private(request)
        return [sweep for sweep in self.library.sweeps() if private or sweep.is_recorded]

    def _trainings(self, request: gr.Request) -> list[tuple[str, CheckpointEntry]]:
        """Newest first. The key holds the weights' hash: names are given again after deletion."""
        if not is_private(request):
            return []
        return [
            (f"{OWN_FOLDER}/{entry.name}/{entry.stored.sha256[:12]}", entry)
            for entry in reversed(self.engine.zoo.own_entries())
        ]

    def _check_change(self, key: str, request: gr.Request) -> None:
        changeable = [name for name, _ in self._trainings(request)]
        changeable += [run.key for run in visible_runs(self.engine, request) if not run.is_recorded]
        if is_private(request):
            changeable += [s.key for s in self._sweeps(request) if not s.is_recorded]
        if key in changeable:
            return
        raise ConfigError("This run is not yours to change; reload the page.")

    def _delete(self, key: str, request: gr.Request) -> str:
        """Deletes a run and returns its kind."""
        for name, entry in self._trainings(request):
            if name == key:
                self.engine.delete_target(entry.name)
                self.engine.kept.names.set(key, "")
                return "training"
        for sweep in self._sweeps(request):
            if sweep.key == key:
                shutil.rmtree(sweep.folder, ignore_errors=True)
                self.engine.kept.names.set(key, "")
                return "sweep"
        self.engine.kept.delete(key)
        return "attack"

    def _check_lanes(self, run: AttackRun) -> None:
        for lane in run.config.lanes:
            for name in stage_names(lane):
                if not self.engine.zoo.is_target(name):
                    raise ConfigError(
                        f"The classifier {name!r} of this run is gone, so it cannot be repeated."
                    )

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


def _toast(message: str) -> gr.Error:
    """One message for the visitor, and no traceback in the server's log for a visitor's slip."""
    return gr.Error(message, print_exception=False)
