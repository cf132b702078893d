"""Event handlers of the Compare page: show results, run a sweep, offer downloads."""

from __future__ import annotations

import json
from collections.abc import Callable, Generator, Iterator
from functools import partial
from typing import Any

import gradio as gr

from mia_demo.attack.config import parse_knobs
from mia_demo.attack.named import named_attack
from mia_demo.errors import ConfigError
from mia_demo.report.contact_sheet import nearest_photos
from mia_demo.report.html import sweep_html
from mia_demo.report.text import results_csv
from mia_demo.sweep.library import NO_RESULTS, ResultsLibrary, Sweep
from mia_demo.sweep.results import RESULTS_FILE
from mia_demo.sweep.sweep import SweepPlan
from mia_demo.ui.boards.sweep_view import SweepPresenter
from mia_demo.ui.compare.view import EMPTY_RESULTS, CompareView, compare_view
from mia_demo.ui.engine.device_queue import Waiting
from mia_demo.ui.engine.engine import Engine
from mia_demo.ui.engine.jobs import Job
from mia_demo.ui.engine.networks import Networks
from mia_demo.ui.engine.own_room import make_room_for_sweep
from mia_demo.ui.engine.sessions import SessionJobs
from mia_demo.ui.engine.sweeping import (
    SweepUpdate,
    is_attack_saved,
    plan_sweep,
    sweep_work,
    table_work,
)
from mia_demo.ui.engine.who_asks import asking_tab
from mia_demo.ui.shared.forms import parse_config
from mia_demo.ui.shared.handler import STOPPING, JobView, stream, toast, toasts, while_running

RESULTS = "results"  # a link's parameter

SweepWork = Callable[[SweepPlan, Networks], Generator[SweepUpdate, None, None]]
RESULTS_UNCHANGED = (gr.skip(), *(gr.skip() for _ in EMPTY_RESULTS))  # list and components


class SweepJobView(JobView[SweepUpdate]):
    """The progress panel and its buttons during a sweep, and its results at the end."""

    unexpected = (
        "The sweep failed unexpectedly; the server's log says why. Finished attacks are kept."
    )

    def __init__(self, handlers: CompareHandlers, plan: SweepPlan) -> None:
        self.handlers = handlers
        self.plan = plan
        self.presenter = SweepPresenter(plan, handlers.engine.zoo)

    def first(self, job: Job[SweepUpdate]) -> tuple[Any, ...]:
        buttons = (
            gr.update(interactive=False),
            while_running("Stop", STOPPING, job),
            gr.update(visible=False),
        )
        return self.presenter.view.to_json(), *buttons, *RESULTS_UNCHANGED

    def show(self, update: SweepUpdate | Waiting, job: Job[SweepUpdate]) -> tuple[Any, ...]:
        if isinstance(update, Waiting):
            self.presenter.waiting(update)
        else:
            self.presenter.update(update)
        return self.first(job)

    def over(self, job: Job[SweepUpdate]) -> tuple[Any, ...]:
        if self.presenter.view.phase == "done":
            return self._idle(self.handlers.results_of(self.plan))
        self.presenter.stopped()
        return self._idle()

    def failed(self, message: str) -> tuple[Any, ...]:
        self.presenter.failed(message)
        return self._idle()

    def _idle(self, results: tuple[Any, ...] = RESULTS_UNCHANGED) -> tuple[Any, ...]:
        """When nothing runs; a stopped sweep can be resumed, or its finished part shown."""
        is_partial = 0 < len(self.plan.finished()) < self.plan.total
        buttons = (
            gr.update(interactive=True, value="Resume" if is_partial else "Start"),
            gr.update(interactive=False, value="Stop"),
            gr.update(visible=is_partial),
        )
        return self.presenter.view.to_json(), *buttons, *results


class CompareHandlers:
    """Handlers that share one engine; their only state is the table of sessions."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.library = ResultsLibrary(engine.zoo, engine.runs)
        self.sweeps: SessionJobs[SweepUpdate] = SessionJobs()

    # -- results ------------------------------------------------------------------------------

    def open(self, chosen: str | None = None, request: gr.Request | None = None) -> tuple[Any, ...]:
        """The page is first seen: the list of results, and those of the link, or the first.

        Args:
            chosen: by a link that was followed since the app was opened.
        """
        keys = self.keys()
        if not keys:
            return gr.update(choices=[], value=None, interactive=False), *EMPTY_RESULTS
        wanted = chosen
        if not chosen and request is not None:
            wanted = request.query_params.get(RESULTS)
        key = wanted if wanted in keys else keys[0]
        return self.chosen(key), *self.choose(key)

    def follow(self, key: str | None, summary: dict[str, Any]) -> tuple[Any, ...]:
        """Other results are chosen; skips if they are shown already."""
        if not key or not summary.get("key") or summary["key"] == key:
            return tuple(gr.skip() for _ in EMPTY_RESULTS)
        return self.choose(key)

    def keys(self) -> list[str]:
        """Keys of all results."""
        return [sweep.key for sweep in self._sweeps()]

    def chosen(self, key: str) -> Any:
        """The list of results with these selected."""
        pairs = [(sweep.title, sweep.key) for sweep in self._sweeps()]
        return gr.update(choices=pairs, value=key, interactive=True)

    def choose(self, key: str) -> tuple[dict[str, Any], ...]:
        """Shows other results."""
        with toasts():
            return self._view(self._sweep(key))

    def download(self, key: str, kind: str) -> dict[str, str]:
        """A file's name and content.

        Raises:
            DemoError: no such results, or no such kind of file.
        """
        sweep = self._sweep(key)
        return {"name": f"{sweep.folder.name}.{kind}", "content": self._file(sweep, kind)}

    # -- a sweep of one's own -----------------------------------------------------------------

    def start(self, request: gr.Request, *form: Any) -> Iterator[tuple[Any, ...]]:
        """The Start button: yields progress until the sweep is over, then results.

        Args:
            form: identities, seeds, preset, lanes and the values of ``KNOBS``.
        """
        yield from self._run(sweep_work, request, *form)

    def finished_part(self, request: gr.Request, *form: Any) -> Iterator[tuple[Any, ...]]:
        """The button that shows the finished part of a stopped sweep."""
        yield from self._run(table_work, request, *form)

    # -- for programs -------------------------------------------------------------------------

    def api_results(self, key: str = "") -> dict[str, Any]:
        """Results of a finished sweep.

        Args:
            key: which one, from the list under ``available``; the first by default.

        Returns:
            Record, table rows and verdicts as in ``results.json``, and the keys of all results.
        """
        keys = self.keys()
        if not keys:
            raise toast("There are no results yet; run a sweep first.")
        with toasts():
            sweep = self._sweep(key or keys[0])
            values = json.loads(self._file(sweep, "json"))
        return {**values, "key": sweep.key, "available": keys}

    def api_sweep(
        self,
        identities: str,
        seeds: str = "0",
        preset: str = "quick",
        lanes: list[str] | None = None,
        attack: str = "",
        settings: list[str] | None = None,
    ) -> Iterator[dict[str, Any]]:
        """Sweeps identities and seeds and streams progress; repeating the call resumes the sweep.

        Args:
            identities: such as 0-9,17.
            seeds: such as 0,1,2.
            preset: quick, standard or paper.
            lanes: names of target classifiers; by default the demo's own.
            attack: changes the preset to another attack, such as taa or mirror.
            settings: further changes, such as temperature=20.

        Returns:
            The progress panel; in the last one ``key`` names the results for ``/results``.
        """
        with toasts():
            names = tuple(self.engine.zoo.base.default_lanes() if lanes is None else lanes)
            config = named_attack(attack, preset, lanes=names, **parse_knobs(settings or []))
            plan = plan_sweep(self.engine, config, identities, seeds)
            presenter = SweepPresenter(plan, self.engine.zoo)
            job = self._job(plan, sweep_work)
            for update in job.updates():
                if isinstance(update, Waiting):
                    yield presenter.waiting(update).to_json()
                    continue
                key = self.library.key(plan.folder) if update.phase == "done" else ""
                yield {**presenter.update(update).to_json(), "key": key}

    # -----------------------------------------------------------------------------------------

    def _run(self, work: SweepWork, request: gr.Request, *form: Any) -> Iterator[tuple[Any, ...]]:
        identities, seeds, preset, lanes, *knobs = form
        with toasts():
            config = parse_config(0, preset, 0, lanes, knobs)
            plan = plan_sweep(self.engine, config, identities, seeds)
            view = SweepJobView(self, plan)
        yield from stream(self.sweeps, request, lambda: self._job(plan, work), view)

    def _job(self, plan: SweepPlan, work: SweepWork) -> Job[SweepUpdate]:
        if tab := asking_tab():
            make_room_for_sweep(self.engine, self.library, plan.folder)
            self.engine.owned_runs.put(self.library.key(plan.folder), tab)
        sweep = partial(work, plan)
        return self.engine.shared(
            lambda: self.engine.on_device(sweep, is_saved=is_attack_saved), "a sweep"
        )

    def results_of(self, plan: SweepPlan) -> tuple[Any, ...]:
        """The list with a finished sweep's results selected, and what the components show."""
        key = self.library.key(plan.folder)
        return self.chosen(key), *self._view(self._sweep(key))

    def _sweeps(self) -> list[Sweep]:
        """Recorded ones, and those of whoever asks."""
        return [
            s
            for s in self.library.sweeps()
            if s.is_recorded or self.engine.owned_runs.may_see(s.key)
        ]

    def _sweep(self, key: str) -> Sweep:
        """
        Raises:
            ConfigError: there is none of this key that whoever asks may see.
        """
        sweep = self.library.sweep(key)
        if not sweep.is_recorded and not self.engine.owned_runs.may_see(key):
            raise ConfigError(NO_RESULTS.format(key))
        return sweep

    def _view(self, sweep: Sweep) -> CompareView:
        caveat = self.library.caveat(sweep.record)
        return compare_view(sweep, caveat, self.engine.zoo, self.engine.identities)

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
            engine = self.engine
            return sweep_html(results, nearest_photos(results, engine.zoo, engine.identities))
        raise ConfigError(f"There is no {kind!r} download; choose csv, json or html.")
