"""A kept training on the Runs page, and its repetition from the first step."""

from __future__ import annotations

import json
from collections.abc import Generator
from contextlib import closing
from typing import Any
from urllib.parse import urlencode

from safetensors.torch import load

from mia_demo.report.columns import percent
from mia_demo.runs.repetition import Repetition, weights_repetition
from mia_demo.runs.training_run import TrainingRun
from mia_demo.ui.boards.training_view import (
    TrainingPresenter,
    TrainingView,
    settings_words,
    with_curves,
)
from mia_demo.ui.engine.engine import Engine
from mia_demo.ui.engine.jobs import Job
from mia_demo.ui.engine.training import (
    TrainingPlan,
    TrainingUpdate,
    epochs_from,
    train_on_device,
)
from mia_demo.ui.engine.training_form import form_of
from mia_demo.ui.runs.repeater import Repeater, unused_folder
from mia_demo.ui.runs.shown_run import ShownRun, time_words


class ShownTraining(ShownRun[TrainingRun]):
    """One training."""

    files = ("json",)

    def summary(self) -> str:
        words = settings_words(self.run.entry)
        return f"Lane {self.run.entry.name}: {words}" if self.run.name else words

    def delete(self) -> None:
        self.engine.delete_target(self.run.entry.name)

    def head(self) -> dict[str, Any]:
        form = form_of(self.run.config, self.run.images)
        texts = {name: f"{v:g}" if isinstance(v, float) else v for name, v in form.items()}
        link = urlencode({"tab": "train", **texts})
        return {**super().head(), "page": "Train", "link": link}

    def sentences(self) -> list[str]:
        entry, finished = self.run.entry, time_words(self.run.date)
        seconds = entry.training.seconds
        return [
            f"{settings_words(entry)}.",
            f"{f'Trained {finished}' if finished else 'Trained'}"
            f"{'' if seconds is None else f' in {seconds:.0f} s'}; "
            f"{percent(entry.test_accuracy or 0.0)} test accuracy. It is the lane {entry.name} of "
            "the Attack, Compare and Line-up pages; the Train page has its weights to download.",
        ]

    def parts(self) -> dict[str, Any]:
        """The training's curves; nothing where they were not kept."""
        run = self.run
        epochs = epochs_from(self.engine.zoo.own.history_of(run.entry.name))
        if not epochs:
            return {"training": {}}
        view = TrainingView(
            "done",
            f"{run.title}: {percent(epochs[-1].test_accuracy)} of the test photos right",
            progress=1.0,
            total=run.config.epochs,
            planned=tuple(run.entry.alphas or ()),
        )
        return {"training": with_curves(view, epochs).to_json()}

    def compared_parts(self, other: ShownRun[TrainingRun]) -> dict[str, Any]:
        boards = {**self.parts(), "other_training": other.parts()["training"]}
        return {**super().compared_parts(other), **boards}

    def download(self, kind: str) -> tuple[str, bytes]:
        if kind not in self.files:
            return super().download(kind)
        run = self.run
        values = {  # config, seed, versions, hashes and curves
            "name": run.name,
            "command": run.command(),
            **run.entry.to_json(),
            "history": self.engine.zoo.own.history_of(run.entry.name),
        }
        text = json.dumps(values, indent=2, ensure_ascii=False)
        return f"training-{run.entry.name}.json", f"{text}\n".encode()

    def repeater(self) -> TrainingRepeater:
        return TrainingRepeater(self.engine, self.run, self.head())


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
