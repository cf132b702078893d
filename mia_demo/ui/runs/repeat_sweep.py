"""The repetition of a sweep: the same attacks."""

from __future__ import annotations

import shutil
from collections.abc import Generator
from contextlib import closing
from functools import partial
from typing import Any

from mia_demo.runs.repetition import Repetition, verdicts_repetition
from mia_demo.runs.sweep_run import SweepRun
from mia_demo.sweep.results import judged_attacks
from mia_demo.sweep.sweep import SweepPlan
from mia_demo.ui.boards.sweep_view import NO_SWEEP, SweepPresenter, SweepView
from mia_demo.ui.engine.engine import Engine
from mia_demo.ui.engine.jobs import Job
from mia_demo.ui.engine.sweeping import SweepUpdate, attack_work, is_attack_saved
from mia_demo.ui.runs.repeater import Repeater, check_lanes_exist, unused_folder


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
