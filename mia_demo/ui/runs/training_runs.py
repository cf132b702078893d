"""A kept training on the Runs page."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

from mia_demo.report.columns import percent
from mia_demo.runs.training_run import TrainingRun
from mia_demo.ui.boards.training_view import TrainingView, settings_words, with_curves
from mia_demo.ui.engine.training import epochs_from
from mia_demo.ui.engine.training_form import form_of
from mia_demo.ui.runs.repeat_training import TrainingRepeater
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
        return {"training": self._board()}

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

    def _board(self) -> dict[str, Any]:
        """The training's curves; nothing where they were not kept."""
        run = self.run
        epochs = epochs_from(self.engine.zoo.own.history_of(run.entry.name))
        if not epochs:
            return {}
        view = TrainingView(
            "done",
            f"{run.title}: {percent(epochs[-1].test_accuracy)} of the test photos right",
            progress=1.0,
            total=run.config.epochs,
            planned=tuple(run.entry.alphas or ()),
        )
        return with_curves(view, epochs).to_json()
