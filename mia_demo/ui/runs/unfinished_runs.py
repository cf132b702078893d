"""Runs without a result on the Runs page: unfinished trainings and damaged runs."""

from dataclasses import dataclass
from typing import Any, NoReturn
from urllib.parse import urlencode

from mia_demo.errors import ConfigError
from mia_demo.report.columns import alpha_text
from mia_demo.runs.command import training_command
from mia_demo.runs.damaged_run import DamagedRun
from mia_demo.runs.names import RunNames
from mia_demo.runs.store import delete_folder
from mia_demo.system.clock import time_written
from mia_demo.ui.engine.engine import Engine
from mia_demo.ui.engine.training import HISTORY_FILE, TrainingPlan, unfinished_trainings
from mia_demo.ui.engine.training_form import form_of
from mia_demo.ui.runs.shown_run import ShownRun


@dataclass(frozen=True)
class UnfinishedTraining:
    """A training with its state after the last finished epoch.

    Attributes:
        name: given by a visitor; may be empty.
    """

    plan: TrainingPlan
    name: str = ""
    kind = "unfinished training"
    is_recorded = False
    origin = None

    @property
    def key(self) -> str:
        return f"unfinished/{self.plan.folder.name}"

    @property
    def title(self) -> str:
        return self.name or f"α = {alpha_text(self.plan.config.alpha)}, unfinished"

    @property
    def date(self) -> str:
        return time_written(self.plan.folder / HISTORY_FILE)

    def command(self) -> str:
        return training_command(self.plan.config, self.plan.images)

    def facts(self) -> dict[str, str]:
        return {}


class ShownUnfinished(ShownRun[UnfinishedTraining]):
    """One unfinished training, which the Train page resumes."""

    def item(self) -> dict[str, Any]:
        return {**super().item(), "badge": f"stopped after epoch {self.run.plan.epochs_done()}"}

    def summary(self) -> str:
        plan = self.run.plan
        done, epochs = plan.epochs_done(), plan.config.epochs
        return f"{done} of {epochs} epochs, {plan.images} photos of each person"

    def delete(self) -> None:
        self.run.plan.discard()

    def head(self) -> dict[str, Any]:
        form = form_of(self.run.plan.config, self.run.plan.images)
        link = urlencode({"tab": "train", **(form if "schedule" in form else {})})
        return {**super().head(), "page": "Train", "does": "Resume", "link": link}

    def sentences(self) -> list[str]:
        return [
            f"{self.summary()}.",
            "It was paused, or its page was closed. It goes on after the last finished epoch.",
        ]

    def compared_parts(self, other: ShownRun[UnfinishedTraining]) -> NoReturn:
        raise ConfigError("Unfinished trainings cannot be compared; finish them first.")

    def repeater(self) -> NoReturn:
        raise ConfigError("This training is not finished; resume it on the Train page.")


def unfinished_runs(engine: Engine, names: RunNames) -> list[UnfinishedTraining]:
    """The unfinished trainings of the demo's people."""
    runs = map(UnfinishedTraining, unfinished_trainings(engine.zoo, engine.runs))
    return [UnfinishedTraining(run.plan, names.get(run.key)) for run in runs]


class ShownDamaged(ShownRun[DamagedRun]):
    """One damaged run, which can be deleted."""

    def item(self) -> dict[str, Any]:
        return self.damaged_item(self.run.reason)

    def summary(self) -> str:
        return self.run.reason

    def delete(self) -> None:
        delete_folder(self.run.folder)

    def sentences(self) -> list[str]:
        return [self.run.reason, "Nothing can be shown of it; delete it."]

    def compared_parts(self, other: ShownRun[DamagedRun]) -> NoReturn:
        raise ConfigError("Damaged runs cannot be compared; delete them.")

    def repeater(self) -> NoReturn:
        raise ConfigError("This run is damaged, so it cannot be repeated; delete it.")
