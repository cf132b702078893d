"""What happens on the Compare page's events: show results, run a sweep, hand out files."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Generator, Iterator
from functools import partial
from typing import Any

import gradio as gr

from mia_demo.attack.config import preset_config
from mia_demo.errors import ConfigError, DemoError
from mia_demo.report.contact_sheet import training_photos
from mia_demo.report.html import sweep_html
from mia_demo.report.text import results_csv
from mia_demo.sweep.library import ResultsLibrary, Sweep
from mia_demo.sweep.results import RESULTS_FILE
from mia_demo.ui.boards.sweep_view import SweepPresenter
from mia_demo.ui.compare.view import EMPTY, CompareView, compare_view, sweep_label
from mia_demo.ui.engine.engine import Engine
from mia_demo.ui.engine.jobs import Job, Waiting
from mia_demo.ui.engine.networks import Networks
from mia_demo.ui.engine.sessions import SessionJobs
from mia_demo.ui.engine.sweeping import (
    SweepPlan,
    SweepUpdate,
    is_saved,
    plan_sweep,
    sweep_work,
    table_work,
)
from mia_demo.ui.shared.job_buttons import STOPPING, while_running
from mia_demo.ui.shared.knobs import parse_config

UNEXPECTED = "The sweep failed unexpectedly; the server's log says why. Finished attacks are kept."
PURPOSE = "a sweep"
RESULTS = "results"  # a link's parameter

Work = Callable[[SweepPlan, Networks], Generator[SweepUpdate, None, None]]

log = logging.getLogger(__name__)


class CompareHandlers:
    """Handlers that share one engine; their only state is the table of sessions."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.library = ResultsLibrary(engine.zoo, engine.runs)
        self.sweeps: SessionJobs[SweepUpdate] = SessionJobs()

    # -- results ------------------------------------------------------------------------------

    def open(self, request: gr.Request | None = None) -> tuple[Any, ...]:
        """The page's first look: the list of results, and those of the link or the first."""
        sweeps = self.library.sweeps()
        if not sweeps:
            return gr.update(choices=[], value=None, interactive=False), *EMPTY.values()
        keys = [sweep.key for sweep in sweeps]
        wanted = request.query_params.get(RESULTS) if request is not None else None
        key = wanted if wanted in keys else keys[0]
        return _choices(sweeps, key), *self.choose(key)

    def follow(self, key: str | None, summary: dict[str, Any]) -> tuple[Any, ...]:
        """Other results were chosen by a link; nothing to do where they are shown already."""
        if not key or not summary.get("key") or summary["key"] == key:
            return tuple(gr.skip() for _ in EMPTY.values())
        return self.choose(key)

    def keys(self) -> list[str]:
        """Names of all results."""
        return [sweep.key for sweep in self.library.sweeps()]

    def chosen(self, key: str) -> Any:
        """The list of results with these in front."""
        return _choices(self.library.sweeps(), key)

    def choose(self, key: str) -> tuple[dict[str, Any], ...]:
        """Other results."""
        try:
            return self._view(self.library.sweep(key)).values()
        except DemoError as error:
            raise _toast(str(error)) from error

    def download(self, key: str, kind: str) -> dict[str, str]:
        """A file's name and content, or the error that prevents it."""
        try:
            sweep = self.library.sweep(key)
            content = self._file(sweep, kind)
        except DemoError as error:
            return {"error": str(error)}
        return {"name": f"{sweep.folder.name}.{kind}", "content": content}

    # -- a sweep of one's own -----------------------------------------------------------------

    def start(
        self,
        request: gr.Request,
        identities: str,
        seeds: str,
        preset: str,
        lanes: list[str],
        *knobs: Any,
    ) -> Iterator[tuple[Any, ...]]:
        """The start button: progress until the sweep is done, stopped or fails, then results."""
        yield from self._run(sweep_work, request, identities, seeds, preset, lanes, knobs)

    def finished_part(
        self,
        request: gr.Request,
        identities: str,
        seeds: str,
        preset: str,
        lanes: list[str],
        *knobs: Any,
    ) -> Iterator[tuple[Any, ...]]:
        """The button for the table of a stopped sweep's finished attacks."""
        yield from self._run(table_work, request, identities, seeds, preset, lanes, knobs)

    def stop(self, request: gr.Request) -> Any:
        """The stop button: the sweep ends after its running attack, ``start`` says when."""
        job = self.sweeps.job_of(str(request.session_hash))
        if job is None:
            return gr.update(interactive=False, value="Stop")
        job.stop()
        return gr.skip()

    # -- for programs -------------------------------------------------------------------------

    def api_results(self, key: str = "") -> dict[str, Any]:
        """Results of a finished sweep.

        Args:
            key: which one, from the list under ``available``; the first by default.

        Returns:
            Record, table rows and verdicts as in ``results.json``, and the keys of all results.
        """
        sweeps = self.library.sweeps()
        if not sweeps:
            raise _toast("There are no results yet; run a sweep first.")
        try:
            sweep = self.library.sweep(key or sweeps[0].key)
            values = json.loads(self._file(sweep, "json"))
        except DemoError as error:
            raise _toast(str(error)) from error
        return {**values, "key": sweep.key, "available": [other.key for other in sweeps]}

    def api_sweep(
        self,
        identities: str,
        seeds: str = "0",
        preset: str = "quick",
        lanes: list[str] | None = None,
    ) -> Iterator[dict[str, Any]]:
        """Sweeps identities and seeds and streams its progress; the same again goes on.

        Args:
            identities: such as 0-9,17.
            seeds: such as 0,1,2.
            preset: quick, standard or paper.
            lanes: names of target classifiers; those that came with the demo by default.

        Returns:
            The progress panel; in the last one ``key`` names the results for ``/results``.
        """
        try:
            names = tuple(self.engine.zoo.base.target_names() if lanes is None else lanes)
            plan = plan_sweep(self.engine, preset_config(preset, lanes=names), identities, seeds)
            presenter = SweepPresenter(plan, self.engine.zoo.target_names())
            job = self._job(plan, sweep_work)
            for update in job.updates():
                if isinstance(update, Waiting):
                    yield presenter.waiting(update).to_json()
                    continue
                key = self._key(plan) if update.phase == "done" else ""
                yield {**presenter.update(update).to_json(), "key": key}
                if update.phase == "done":
                    return
        except DemoError as error:
            raise _toast(str(error)) from error

    # -----------------------------------------------------------------------------------------

    def _run(
        self,
        work: Work,
        request: gr.Request,
        identities: str,
        seeds: str,
        preset: str,
        lanes: list[str],
        knobs: tuple[Any, ...],
    ) -> Iterator[tuple[Any, ...]]:
        session = str(request.session_hash)
        unchanged = (gr.skip(), *(gr.skip() for _ in EMPTY.values()))
        try:
            config = parse_config(0, preset, 0, lanes, knobs)
            plan = plan_sweep(self.engine, config, identities, seeds)
            presenter = SweepPresenter(plan, self.engine.zoo.target_names())
            job = self.sweeps.start(session, lambda: self._job(plan, work))
        except DemoError as error:
            raise _toast(str(error)) from error
        yield presenter.view.to_json(), *_running_buttons(job), *unchanged
        try:
            for update in job.updates():
                if isinstance(update, Waiting):
                    view = presenter.waiting(update)
                else:
                    view = presenter.update(update)
                    if update.phase == "done":
                        yield view.to_json(), *_idle_buttons(plan), *self._shown(plan)
                        return
                yield view.to_json(), *_running_buttons(job), *unchanged
            if self.sweeps.job_of(session) is not job:
                return  # another sweep has the panel now
            yield presenter.stopped().to_json(), *_idle_buttons(plan), *unchanged
        except DemoError as error:
            yield presenter.failed(str(error)).to_json(), *_idle_buttons(plan), *unchanged
            raise _toast(str(error)) from error
        except Exception as error:
            log.exception("sweep failed")
            yield presenter.failed(UNEXPECTED).to_json(), *_idle_buttons(plan), *unchanged
            raise _toast(UNEXPECTED) from error
        finally:
            self.sweeps.release(session, job)

    def _job(self, plan: SweepPlan, work: Work) -> Job[SweepUpdate]:
        sweep = partial(work, plan)
        return self.engine.shared(lambda: self.engine.on_device(sweep, is_saved=is_saved), PURPOSE)

    def _key(self, plan: SweepPlan) -> str:
        return next(s.key for s in self.library.sweeps() if s.folder == plan.folder)

    def _shown(self, plan: SweepPlan) -> tuple[Any, ...]:
        sweeps = self.library.sweeps()
        sweep = next(sweep for sweep in sweeps if sweep.folder == plan.folder)
        return _choices(sweeps, sweep.key), *self._view(sweep).values()

    def _view(self, sweep: Sweep) -> CompareView:
        caveat = self.library.caveat(sweep.record)
        targets = self.engine.zoo.target_names()
        return compare_view(sweep, caveat, self.engine.identities, targets)

    def _file(self, sweep: Sweep, kind: str) -> str:
        """A download's content.

        Raises:
            ConfigError: no such kind of file.
            DataError: the results cannot be read.
        """
        results = sweep.load()
        if kind == "csv":
            return results_csv(results.rows)
        if kind == "json":
            return (sweep.folder / RESULTS_FILE).read_text("utf-8")
        if kind == "html":
            return sweep_html(results, training_photos(results, self.engine.identities))
        raise ConfigError(f"There is no {kind!r} download; choose csv, json or html.")


def _choices(sweeps: list[Sweep], key: str) -> Any:
    pairs = [(sweep_label(sweep), sweep.key) for sweep in sweeps]
    return gr.update(choices=pairs, value=key, interactive=True)


def _running_buttons(job: Job[SweepUpdate]) -> tuple[Any, Any, Any]:
    """Start, stop, and the table of what a stopped sweep has done, in every frame of the sweep."""
    return (
        gr.update(interactive=False),
        while_running("Stop", STOPPING, job),
        gr.update(visible=False),
    )


def _idle_buttons(plan: SweepPlan) -> tuple[Any, Any, Any]:
    """The same after a sweep, which may have been stopped half-way."""
    is_partial = 0 < len(plan.finished()) < plan.total
    return (
        gr.update(interactive=True, value="Resume" if is_partial else "Start"),
        gr.update(interactive=False, value="Stop"),
        gr.update(visible=is_partial),
    )


def _toast(message: str) -> gr.Error:
    """One message for the visitor, and no traceback in the server's log for a visitor's slip."""
    return gr.Error(message, print_exception=False)
