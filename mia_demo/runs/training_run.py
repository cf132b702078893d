"""A training as a run: a classifier of a visitor's own."""

from dataclasses import dataclass, replace

from mia_demo.defences.registry import described
from mia_demo.errors import DataError
from mia_demo.report.columns import alpha_text, percent
from mia_demo.runs.command import training_command
from mia_demo.runs.names import RunNames
from mia_demo.runs.origin import Origin
from mia_demo.system.json_files import checked
from mia_demo.training.config import TrainConfig
from mia_demo.zoo.layers import OWN_FOLDER, LayeredZoo
from mia_demo.zoo.manifest import CheckpointEntry


@dataclass(frozen=True)
class TrainingRun:
    """A classifier that a visitor trained."""

    entry: CheckpointEntry
    name: str = ""
    kind = "training"
    is_recorded = False

    @property
    def key(self) -> str:
        """Holds the weights' hash: names of lanes are given again after deletion."""
        return f"{OWN_FOLDER}/{self.entry.name}/{self.entry.stored.sha256[:12]}"

    @property
    def title(self) -> str:
        return self.name or f"{self.entry.name}, α = {alpha_text(self.entry.alpha or 0.0)}"

    @property
    def date(self) -> str:
        return self.entry.training.date

    @property
    def config(self) -> TrainConfig:
        """
        Raises:
            DataError: it is damaged.
        """
        try:
            return checked(TrainConfig, self.entry.training.recipe, "recipe")
        except ValueError as error:
            raise DataError(f"What is known of {self.entry.name} is damaged ({error}).") from error

    @property
    def images(self) -> int:
        """Of each identity."""
        return self.entry.training.images_per_identity or 0

    @property
    def origin(self) -> Origin:
        return Origin(self.entry.training.to_json(), self.entry.versions, {})

    def command(self) -> str:
        return training_command(self.config, self.images)

    def facts(self) -> dict[str, str]:
        """Settings, and how the training ended."""
        config, entry = self.config, self.entry
        facts = {
            "α": alpha_text(config.alpha),
            "defence": described(config.defence, config.strengths) or "label smoothing alone",
            "photos of each person": self.images,
            "epochs": config.epochs,
            "negative α sets in, is full": " and ".join(f"{share:.0%}" for share in config.phases),
            "architecture": config.architecture,
            "initial weights": config.initial_weights,
            "learning rate": f"{config.learning_rate:g}",
            "seed": config.seed,
            "test accuracy": percent(entry.test_accuracy or 0.0),
            "train accuracy": percent(entry.train_accuracy or 0.0),
            **self.origin.facts(),
        }
        return {name: str(value) for name, value in facts.items()}


def kept_trainings(zoo: LayeredZoo, names: RunNames) -> list[TrainingRun]:
    """The visitors' own classifiers, oldest first."""
    runs = [TrainingRun(entry) for entry in zoo.own.targets()]
    return [replace(run, name=names.get(run.key)) for run in runs]
