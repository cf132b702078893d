"""The repetition of a training, from its first step."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing
from typing import Any

from safetensors.torch import load

from mia_demo.runs.repetition import Repetition, weights_repetition
from mia_demo.runs.training_run import TrainingRun
from mia_demo.ui.boards.training_view import TrainingPresenter, TrainingView
from mia_demo.ui.engine.engine import Engine
from mia_demo.ui.engine.jobs import Job
from mia_demo.ui.engine.training import TrainingPlan, TrainingUpdate, train_on_device
from mia_demo.ui.runs.repeater import Repeater, unused_folder


class TrainingRepeater(Repeater):
    """Compares weights."""

    part = "training"

    def __init__(self, engine: Engine, run: TrainingRun, head: dict[str, Any]) -> None:
        self._engine, self._run = engine, run
        # Named like an unfinished training, which is tidied up if the server is killed.
        folder = unused_folder(engine, "training-again-")
        self._plan = TrainingPlan(run.config, run.images, folder)
        self._training = TrainingPresenter(self._plan)
        super().__init__(head, self._training)

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

    def ended(self) -> TrainingView:
        return self._training.repeated() if self.result else self._training.stopped()
