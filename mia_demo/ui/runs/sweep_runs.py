"""A finished sweep on the Runs page, and its repetition."""

from __future__ import annotations

import shutil
from collections.abc import Generator, Sequence
from contextlib import closing
from functools import cached_property, partial
from typing import Any
from urllib.parse import urlencode

from mia_demo.data.pictures import data_uri
from mia_demo.report.columns import percent
from mia_demo.report.text import record_sentence
from mia_demo.runs.repetition import Repetition, verdicts_repetition
from mia_demo.runs.store import delete_folder
from mia_demo.runs.sweep_run import SweepRun
from mia_demo.sweep.results import SweepResults, judged_attacks
from mia_demo.sweep.sweep import SweepPlan
from mia_demo.ui.boards.sweep_view import NO_SWEEP, SweepPresenter, SweepView
from mia_demo.ui.engine.engine import Engine
from mia_demo.ui.engine.jobs import Job
from mia_demo.ui.engine.sweeping import SweepUpdate, attack_work, is_attack_saved
from mia_demo.ui.runs.repeater import Repeater, check_lanes_exist, unused_folder
from mia_demo.ui.runs.shown_run import ShownRun, real_photo

MAX_COMPARED_IDENTITIES = 6


class ShownSweep(ShownRun[SweepRun]):
    """One sweep."""

    def summary(self) -> str:
        record = self.run.record
        count = len(record.identities)
        people = "identity" if count == 1 else "identities"
        return f"{count} {people}, lanes {', '.join(record.lanes)}"

    def delete(self) -> None:
        delete_folder(self.run.folder)

    def head(self) -> dict[str, Any]:
        link = urlencode({"tab": "compare", "results": self.run.key}, safe="/")
        return {**super().head(), "page": "Compare", "link": link}

    def sentences(self) -> list[str]:
        return [
            f"Computed {record_sentence(self.run.record)}",
            "Its table, pictures and downloads are on the Compare page.",
        ]

    def repeater(self) -> SweepRepeater:
        return SweepRepeater(self.engine, self.run, self.head())

    def lanes(self) -> Sequence[str]:
        return self.run.record.lanes

    def identities(self) -> Sequence[int]:
        return self.run.record.identities

    def photos(self, people: Sequence[int]) -> list[dict[str, str]]:
        shown = people[:MAX_COMPARED_IDENTITIES]
        return [photo for number in shown for photo in real_photo(self.engine, number)]

    def side(self, lane: str, people: Sequence[int]) -> dict[str, Any]:
        row = next(row for row in self._results.rows if row.lane == lane)
        return {
            "words": f"Acc@1 {percent(row.acc1.known)}",
            "verdict": "",
            "recognised": False,
            "pictures": [
                {
                    "uri": data_uri(self._results.picture(lane, number)),
                    "alt": f"Best reconstruction of identity {number} from lane {lane}, "
                    f"run {self.title}",
                }
                for number in people[:MAX_COMPARED_IDENTITIES]
            ],
        }

    @cached_property
    def _results(self) -> SweepResults:
        return self.run.load()


class SweepRepeater(Repeater):
    """Compares verdicts."""

    part = "sweep"

    def __init__(self, engine: Engine, run: SweepRun, head: dict[str, Any]) -> None:
        record = run.record
        check_lanes_exist(engine, record.lanes, record.checkpoints)
        self._engine, self._run = engine, run
        self._plan = SweepPlan(
            run.config,
            tuple(record.identities),
            tuple(record.seeds),
            unused_folder(engine, "sweep-again-"),
        )
        super().__init__(head, SweepPresenter(self._plan, engine.zoo))

    def start(self) -> Job[SweepUpdate | Repetition]:
        return self._engine.shared(self._work, "a sweep")

    def _work(self) -> Generator[SweepUpdate | Repetition, None, None]:
        work = partial(attack_work, self._plan)
        try:
            with closing(self._engine.on_device(work, is_saved=is_attack_saved)) as updates:
                yield from updates
            yield verdicts_repetition(self._run.load().attacks, judged_attacks(self._plan))
        finally:
            shutil.rmtree(self._plan.folder, ignore_errors=True)

    def ended(self) -> SweepView:
        return NO_SWEEP
