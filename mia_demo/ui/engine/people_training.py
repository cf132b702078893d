"""A series of trainings on one set of people: first an evaluator, if there is none."""

from __future__ import annotations

import math
import shutil
import time
from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from mia_demo.errors import ConfigError
from mia_demo.recipes.classifiers import with_usual_start
from mia_demo.recipes.make_zoo import TARGET_ALPHAS, ZooRecipe
from mia_demo.report.columns import alpha_text
from mia_demo.training.classifier import ClassifierTrainer, LabelledImages, TrainConfig
from mia_demo.ui.engine.engine import Engine
from mia_demo.ui.engine.networks import Networks
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
SPEED_STEPS = 3
SPEED_SECONDS = 5.0  # estimate for ZeroGPU
THREE_LANES = tuple(TARGET_ALPHAS.values())

SeriesStep = tuple[int, TrainingUpdate]  # number of the training in its series


@dataclass(frozen=True)
class Series:
    """The trainings that one click starts.

    Attributes:
        is_three: the quick option, which trains all three lanes.
    """

    people: People
    plans: tuple[TrainingPlan, ...]
    is_three: bool = False

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
    """Positive, zero and negative, except those that exist already.

    Args:
        demo: the zoo whose recipe is used.

    Raises:
        ConfigError: all exist, or there is no room.
    """
    zoo, images = people.zoo, people.zoo.manifest.train_images
    missing = [
        plan_training(zoo, zoo.own.path, config, images)
        for config in _three_configs(people, demo)
        if not trained_with(zoo, config, images)
    ]
    if not missing:
        raise ConfigError("All three lanes are trained already; attack them on the Attack page.")
    return Series(people, (*_evaluator(people), *missing), is_three=True)


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


@dataclass(frozen=True)
class Speed:
    """Measured training seconds per image."""

    target: float
    evaluator: float

    def three_lanes(self, people: OwnPeople, demo: Zoo) -> float:
        """Seconds for what ``plan_three_lanes`` would train."""
        images = _train_images(people)
        total = 0.0
        if not people.has_evaluator:
            total += self.evaluator * images * _evaluator_config(people).epochs
        for config in _three_configs(people, demo):
            if not trained_with(people.zoo, config, people.zoo.manifest.train_images):
                total += self.target * images * config.epochs
        return total


def measure_speed(networks: Networks) -> Generator[Speed, None, None]:
    """Times a few training steps of both architectures on noise."""
    recipe, compute = ZooRecipe(), networks.compute
    seconds = []
    for config in (recipe.target, recipe.evaluator):
        config = replace(config, epochs=2, batch_size=OWN_PEOPLE_BATCH)
        rng = torch.Generator().manual_seed(0)
        count = OWN_PEOPLE_BATCH * SPEED_STEPS
        noise = torch.randint(0, 256, (count, 3, 64, 64), generator=rng, dtype=torch.uint8)
        images = LabelledImages(noise, torch.arange(count) % 10)
        trainer = ClassifierTrainer(config.classifier(10), config, compute, images)
        for _ in trainer.train_epoch():  # the first steps are slower
            pass
        compute.synchronize()
        started = time.perf_counter()
        for _ in trainer.train_epoch():
            pass
        compute.synchronize()
        seconds.append((time.perf_counter() - started) / count)
    yield Speed(*seconds)


def _evaluator(people: OwnPeople) -> tuple[TrainingPlan, ...]:
    if people.has_evaluator:
        return ()
    zoo = people.zoo
    config = _evaluator_config(people)
    return (plan_training(zoo, zoo.own.path, config, zoo.manifest.train_images, "evaluator"),)


def _evaluator_config(people: OwnPeople) -> TrainConfig:
    epochs = _epochs(EVALUATOR_STEPS, EVALUATOR_EPOCHS, people)
    return replace(ZooRecipe().evaluator, batch_size=OWN_PEOPLE_BATCH, epochs=epochs)


def _three_configs(people: OwnPeople, demo: Zoo) -> list[TrainConfig]:
    epochs = _epochs(TARGET_STEPS, TARGET_EPOCHS, people)
    recipe = replace(
        with_usual_start(ZooRecipe().target, demo), batch_size=OWN_PEOPLE_BATCH, epochs=epochs
    )
    return [replace(recipe, alpha=alpha) for alpha in THREE_LANES]


def _epochs(steps: int, bounds: tuple[int, int], people: OwnPeople) -> int:
    wanted = math.ceil(steps * OWN_PEOPLE_BATCH / _train_images(people))
    return min(max(wanted, bounds[0]), bounds[1])


def _train_images(people: OwnPeople) -> int:
    return len(people.zoo.split_items(people.identities)["train"])
