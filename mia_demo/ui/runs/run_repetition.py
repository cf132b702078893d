"""A kept run once more: the job, what the page shows meanwhile, and whether the result is the same.

Nothing of a repetition is kept.
"""

from __future__ import annotations

import secrets
import shutil
from abc import ABC, abstractmethod
from collections.abc import Generator, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

from safetensors.torch import load

from mia_demo.attack.config import AttackConfig
from mia_demo.attack.lanes import stage_names
from mia_demo.errors import ConfigError
from mia_demo.runs.comparison import (
    Repetition,
    repetition,
    verdicts_repetition,
    weights_repetition,
)
from mia_demo.runs.folder import AttackRun
from mia_demo.sweep.results import judged_attacks
from mia_demo.ui.boards.attack_view import BoardPresenter
from mia_demo.ui.boards.replay_view import blank_board
from mia_demo.ui.boards.sweep_view import NO_SWEEP, SweepPresenter
from mia_demo.ui.boards.training_view import TrainingPresenter
from mia_demo.ui.engine.device_queue import Waiting
from mia_demo.ui.engine.engine import Engine, Tracked
from mia_demo.ui.engine.jobs import Job
from mia_demo.ui.engine.sweeping import SweepPlan, SweepUpdate, attack_work, is_attack_saved
from mia_demo.ui.engine.training import TrainingPlan, TrainingUpdate, train_on_device
from mia_demo.ui.runs.sweep_runs import SweepRun
from mia_demo.ui.runs.training_runs import TrainingRun

Shown = dict[str, Any]  # values by part of the page: board, training or sweep


class Again(ABC):
    """A repetition."""

    @abstractmethod
    def start(self) -> Job[Any]:
        """Starts the job.

        Raises:
            DemoError: the queue is full.
        """

    @abstractmethod
    def first(self) -> Shown:
        """What is shown at once."""

    @abstractmethod
    def show(self, update: Any) -> Shown:
        """What an update of the job changes."""

    @abstractmethod
    def result(self) -> Repetition | None:
        """How it compares, once the job has ended by itself."""

    @abstractmethod
    def over(self) -> Shown:
        """What stays when it has ended or was stopped."""

    @abstractmethod
    def failed(self, message: str) -> Shown:
        """What stays after an error."""


def again(engine: Engine, run: AttackRun | TrainingRun | SweepRun) -> Again:
    """The repetition of a run.

    Raises:
        ConfigError: one of its classifiers is gone.
    """
    if isinstance(run, TrainingRun):
        return TrainingAgain(engine, run)
    return SweepAgain(engine, run) if isinstance(run, SweepRun) else AttackAgain(engine, run)


class AttackAgain(Again):
    """The same steps, up to the one whose pictures were kept."""

    def __init__(self, engine: Engine, run: AttackRun) -> None:
        _check_lanes(engine, run.config.lanes)
        self._engine, self._run = engine, run
        self._presenter = BoardPresenter(blank_board(engine, run), run.config)
        self._latest: Tracked | None = None

    def start(self) -> Job[Tracked]:
        return self._engine.repeat(self._run)

    def first(self) -> Shown:
        return {"board": self._presenter.board.to_json()}

    def show(self, update: Tracked | Waiting) -> Shown:
        if isinstance(update, Waiting):
            return {"board": self._presenter.waiting(update).to_json()}
        self._latest = update
        return {"board": self._presenter.frame(update).to_json()}

    def result(self) -> Repetition | None:
        return None if self._latest is None else repetition(self._run, self._latest.frame)

    def over(self) -> Shown:
        is_done = self._presenter.board.phase == "done"
        board = self._presenter.board if is_done else self._presenter.stopped()
        return {"board": board.to_json()}

    def failed(self, message: str) -> Shown:
        return {"board": self._presenter.failed(message).to_json()}


class TrainingAgain(Again):
    """The same training from its first step; the weights are compared."""

    def __init__(self, engine: Engine, run: TrainingRun) -> None:
        self._engine, self._run = engine, run
        # Among the unfinished trainings, which are tidied up if the server is killed.
        self._plan = TrainingPlan(run.config, run.images, _folder(engine, "training-again-"))
        self._presenter = TrainingPresenter(self._plan)
        self._result: Repetition | None = None

    def start(self) -> Job[TrainingUpdate | Repetition]:
        return self._engine.shared(self._work, "a training")

    def _work(self) -> Generator[TrainingUpdate | Repetition, None, None]:
        zoo = self._engine.zoo
        try:
            with closing(train_on_device(self._plan, zoo, self._engine)) as news:
                for new in news:
                    if isinstance(new, TrainingUpdate):
                        yield new
                    else:
                        kept = zoo.tensors(self._run.entry.name)
                        yield weights_repetition(kept, load(new.weights))
        finally:
            self._plan.discard()

    def first(self) -> Shown:
        return {"training": self._presenter.view.to_json()}

    def show(self, update: TrainingUpdate | Repetition | Waiting) -> Shown:
        if isinstance(update, Repetition):
            self._result = update
            return self.over()
        if isinstance(update, Waiting):
            return {"training": self._presenter.waiting(update).to_json()}
        return {"training": self._presenter.update(update).to_json()}

    def result(self) -> Repetition | None:
        return self._result

    def over(self) -> Shown:
        view = self._presenter.repeated() if self._result else self._presenter.stopped()
        return {"training": view.to_json()}

    def failed(self, message: str) -> Shown:
        return {"training": self._presenter.failed(message).to_json()}


class SweepAgain(Again):
    """The same attacks; the verdicts are compared."""

    def __init__(self, engine: Engine, run: SweepRun) -> None:
        record = run.sweep.record
        _check_lanes(engine, record.lanes)
        settings = {**record.settings, "identity": 0, "seed": 0, "lanes": tuple(record.lanes)}
        self._engine, self._run = engine, run
        self._plan = SweepPlan(
            AttackConfig(**settings),
            tuple(record.identities),
            tuple(record.seeds),
            _folder(engine, "sweep-again-"),
        )
        self._presenter = SweepPresenter(self._plan, engine.zoo.target_names())
        self._result: Repetition | None = None

    def start(self) -> Job[SweepUpdate | Repetition]:
        return self._engine.shared(self._work, "a sweep")

    def _work(self) -> Generator[SweepUpdate | Repetition, None, None]:
        folder = self._plan.folder
        work = partial(attack_work, self._plan)
        try:
            with closing(self._engine.on_device(work, is_saved=is_attack_saved)) as updates:
                yield from updates
            record = self._run.sweep.record
            verdicts = judged_attacks(folder, record.lanes, record.identities, record.seeds)
            yield verdicts_repetition(self._run.sweep.load().attacks, verdicts)
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def first(self) -> Shown:
        return {"sweep": self._presenter.view.to_json()}

    def show(self, update: SweepUpdate | Repetition | Waiting) -> Shown:
        if isinstance(update, Repetition):
            self._result = update
            return self.over()
        if isinstance(update, Waiting):
            return {"sweep": self._presenter.waiting(update).to_json()}
        return {"sweep": self._presenter.update(update).to_json()}

    def result(self) -> Repetition | None:
        return self._result

    def over(self) -> Shown:
        return {"sweep": NO_SWEEP.to_json()}

    def failed(self, message: str) -> Shown:
        return {"sweep": self._presenter.failed(message).to_json()}


def _folder(engine: Engine, prefix: str) -> Path:
    """A name that is taken by nothing; the folder is made when something is written."""
    return engine.runs / f"{prefix}{secrets.token_hex(6)}"


def _check_lanes(engine: Engine, lanes: Sequence[str]) -> None:
    for lane in lanes:
        for name in stage_names(lane):
            if not engine.zoo.is_target(name):
                raise ConfigError(
                    f"The classifier {name!r} of this run is gone, so it cannot be repeated."
                )
