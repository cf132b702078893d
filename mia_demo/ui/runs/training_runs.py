"""A kept training on the Runs page, as plain JSON."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import urlencode

from mia_demo.report.columns import alpha_text, percent
from mia_demo.runs.command import training_command
from mia_demo.runs.comparison import changes_since_training, differences, training_facts
from mia_demo.system.device import Compute
from mia_demo.training.classifier import TrainConfig
from mia_demo.ui.boards.training_view import TrainingView, settings_words, with_curves
from mia_demo.ui.engine.training import epochs_from
from mia_demo.ui.engine.training_form import SCHEDULES
from mia_demo.ui.runs.view import time_words
from mia_demo.zoo.layers import OWN_FOLDER, LayeredZoo
from mia_demo.zoo.manifest import CheckpointEntry


@dataclass(frozen=True)
class TrainingRun:
    """A classifier that a visitor trained.

    Attributes:
        name: given by a visitor; empty: its usual title.
    """

    entry: CheckpointEntry
    name: str = ""

    @property
    def key(self) -> str:
        """Holds the weights' hash: names of lanes are given again after deletion."""
        return f"{OWN_FOLDER}/{self.entry.name}/{self.entry.stored.sha256[:12]}"

    @property
    def title(self) -> str:
        return self.name or f"{self.entry.name}, α = {alpha_text(self.entry.alpha or 0.0)}"

    @property
    def config(self) -> TrainConfig:
        return TrainConfig.from_json(self.entry.training.recipe)

    @property
    def images(self) -> int:
        """Of each identity."""
        return self.entry.training.images_per_identity or 0

    @property
    def date(self) -> str:
        """UTC, ISO 8601; empty where it was not noted."""
        return self.entry.training.date


def training_item(run: TrainingRun) -> dict[str, Any]:
    """An entry of the list."""
    words = settings_words(run.entry)
    return {
        "key": run.key,
        "kind": "training",
        "title": run.title,
        "badge": "",
        "words": f"Lane {run.entry.name}: {words}" if run.name else words,
        "when": time_words(run.date),
        "faces": "",
        "count": 0,
        "change": True,
    }


def training_details(run: TrainingRun, compute: Compute) -> dict[str, Any]:
    """The head of an opened training."""
    entry = run.entry
    changes = changes_since_training(entry, compute)
    finished = time_words(run.date)
    return {
        "key": run.key,
        "title": run.title,
        "recorded": False,
        "words": [
            f"{settings_words(entry)}.",
            f"{f'Trained {finished}' if finished else 'Trained'} "
            f"in {entry.training.seconds:.0f} s; "
            f"{percent(entry.test_accuracy or 0.0)} test accuracy. It is the lane {entry.name} of "
            "the Attack, Compare and Line-up pages; the Train page has its weights to download.",
        ],
        "caveat": f"Changed since: {'; '.join(changes)}." if changes else "",
        "command": training_command(run.config, run.images),
        "page": "Train",
        "link": _link(run),
        "files": ["json"],
    }


def training_board(run: TrainingRun, zoo: LayeredZoo) -> dict[str, Any]:
    """The curves of a kept training; nothing where they were not kept."""
    epochs = epochs_from(zoo.own.history_of(run.entry.name))
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


def training_comparison(first: TrainingRun, second: TrainingRun) -> dict[str, Any]:
    """What was set otherwise, and came out otherwise."""
    found = differences(training_facts(first.entry), training_facts(second.entry))
    return {
        "titles": [first.title, second.title],
        "words": [first.title, second.title],
        "differences": [asdict(difference) for difference in found],
        "lanes": [],
    }


def training_json(run: TrainingRun, zoo: LayeredZoo) -> bytes:
    """Config, seed, versions, hashes and curves, to take home."""
    values = {
        "name": run.name,
        "command": training_command(run.config, run.images),
        **run.entry.to_json(),
        "history": zoo.own.history_of(run.entry.name),
    }
    return (json.dumps(values, indent=2, ensure_ascii=False) + "\n").encode()


def _link(run: TrainingRun) -> str:
    """The Train page with this training's settings."""
    config = run.config
    schedules = [name for name, (_, phases) in SCHEDULES.items() if phases == config.phases]
    values = {
        "tab": "train",
        "alpha": f"{config.alpha:g}",
        "photos": run.images,
        "epochs": config.epochs,
        "schedule": schedules[0] if schedules else "",
        "architecture": config.architecture,
        "learning_rate": f"{config.learning_rate:g}",
        "seed": config.seed,
    }
    return urlencode({name: value for name, value in values.items() if value != ""})
