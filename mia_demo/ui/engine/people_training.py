"""A series of trainings on one set of people: first an evaluator, if there is none."""

import math
import shutil
from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

from mia_demo.errors import ConfigError
from mia_demo.recipes.classifiers import with_usual_start
from mia_demo.recipes.make_zoo import TARGET_ALPHAS, ZooRecipe
from mia_demo.report.columns import alpha_text
from mia_demo.training.config import TrainConfig
from mia_demo.ui.engine.engine import Engine
from mia_demo.ui.engine.training import (
    TrainingPlan,
    TrainingUpdate,
    plan_training,
    trained_with,
    training_work,
)
from mia_demo.visitors.own_people import OwnPeople, People
from mia_demo.zoo.reading import Zoo

# Optimiser steps that suffice for small sets, and bounds of the epochs for them. Measured on
# 6 people with 16 photos each: all test photos right after 120 (evaluator) and 150 (targets).
TARGET_STEPS, TARGET_EPOCHS = 400, (20, 100)
EVALUATOR_STEPS, EVALUATOR_EPOCHS = 120, (10, 40)
OWN_PEOPLE_BATCH = 32
THREE_LANES = tuple(TARGET_ALPHAS.values())

SeriesStep = tuple[int, TrainingUpdate]  # number of the training in its series


@dataclass(frozen=True)
class Series:
    """The trainings that one click starts."""

    people: People
    plans: tuple[TrainingPlan, ...]
    is_three: bool = False  # the quick option, which trains all three lanes

    def place(self, number: int) -> str:
        """Prefix of the status; empty for a single training."""
        if len(self.plans) == 1:
            return ""
        plan = self.plans[number]
        what = "the evaluator, which will judge the attacks"
        if plan.kind == "target":
            what = f"the classifier with α = {alpha_text(plan.config.alpha)}"
        return f"{number + 1} of {len(self.plans)}, {what}: "

    def discard(self) -> None:
        for plan in self.plans:
            plan.discard()


def plan_series(people: People, runs: Path, config: TrainConfig, images: int) -> Series:
    """One target, preceded by the evaluator that own people need.

    Raises:
        ConfigError: see ``plan_training``, or the target would be of the evaluator's kind.
    """
    if not isinstance(people, OwnPeople):
        return Series(people, (plan_training(people.zoo, runs, config, images),))
    if config.architecture == ZooRecipe().evaluator.architecture:
        raise ConfigError(
            "The evaluator of your own people is a Compact DenseNet and must not judge its own "
            "kind; choose another architecture."
        )
    target = plan_training(people.zoo, people.zoo.own.path, config, images)
    return Series(people, (*_evaluator(people), target))


def plan_three_lanes(people: OwnPeople, demo: Zoo) -> Series:
    """Positive, zero and negative by the demo's recipe, except those that exist already.

    Raises:
        ConfigError: all exist, or there is no room.
    """
    zoo, images = people.zoo, people.zoo.manifest.train_images
    missing = missing_targets(people, demo)
    if not missing:
        raise ConfigError("All three lanes are trained already; attack them on the Attack page.")
    plans = (plan_training(zoo, zoo.own.path, config, images) for config in missing)
    return Series(people, (*_evaluator(people), *plans), is_three=True)


def missing_targets(people: OwnPeople, demo: Zoo) -> list[TrainConfig]:
    """The recipes of positive, zero and negative that are not trained yet."""
    epochs = _epochs(TARGET_STEPS, TARGET_EPOCHS, people)
    recipe = with_usual_start(ZooRecipe().target, demo)
    recipe = replace(recipe, batch_size=OWN_PEOPLE_BATCH, epochs=epochs)
    three = (replace(recipe, alpha=alpha) for alpha in THREE_LANES)
    images = people.zoo.manifest.train_images
    return [config for config in three if not trained_with(people.zoo, config, images)]


def series_work(series: Series, engine: Engine) -> Generator[SeriesStep, None, None]:
    """Runs the trainings of a series one after the other.

    Raises:
        ConfigError: see ``training_work``, or the people were deleted meanwhile.
    """
    zoo = series.people.zoo
    try:
        for number, plan in enumerate(series.plans):
            # Closed at once, so that nothing is saved after the clean-up below.
            with closing(training_work(plan, zoo, engine)) as updates:
                for update in updates:
                    if isinstance(series.people, OwnPeople):
                        series.people.zoo.own.check_exists()
                    yield number, update
    finally:
        # Removes a state saved after the people were deleted.
        if isinstance(series.people, OwnPeople) and series.people.zoo.own.is_deleted:
            shutil.rmtree(series.people.zoo.own.path, ignore_errors=True)


def _evaluator(people: OwnPeople) -> tuple[TrainingPlan, ...]:
    if people.has_evaluator:
        return ()
    zoo, config = people.zoo, evaluator_config(people)
    return (plan_training(zoo, zoo.own.path, config, zoo.manifest.train_images, "evaluator"),)


def evaluator_config(people: OwnPeople) -> TrainConfig:
    """The recipe of the evaluator of own people."""
    epochs = _epochs(EVALUATOR_STEPS, EVALUATOR_EPOCHS, people)
    return replace(ZooRecipe().evaluator, batch_size=OWN_PEOPLE_BATCH, epochs=epochs)


def _epochs(steps: int, bounds: tuple[int, int], people: OwnPeople) -> int:
    images = len(people.zoo.split_items(people.identities)["train"])
    return min(max(math.ceil(steps * OWN_PEOPLE_BATCH / images), bounds[0]), bounds[1])
