"""The settings of a training as the Train page offers them."""

from __future__ import annotations

from typing import Any

from mia_demo.errors import ConfigError
from mia_demo.recipes.make_zoo import ZooRecipe
from mia_demo.smoothing import REFERENCE_PHASES
from mia_demo.training.classifier import TrainConfig

LOWEST_ALPHA, HIGHEST_ALPHA = -0.2, 0.5
FIRST_ALPHA = -0.05
FIRST_IMAGES = 8  # few photos and epochs: about a minute on two cores
FIRST_EPOCHS = 20
MAX_EPOCHS = 100  # the device is shared; the command line has no such limit
SMALLEST_RATE, LARGEST_RATE = 1e-5, 0.1
LARGEST_SEED = 2**31 - 1

RECIPE = ZooRecipe().target  # of the lanes that came with the demo

SCHEDULES = {
    "early": ("Early, as the demo", RECIPE.phases),
    "reference": ("Late, as the paper", REFERENCE_PHASES),
    "at once": ("At once", (0.0, 0.0)),
}
ARCHITECTURES = {
    "compact_resnet": "Compact ResNet",
    "resnet18": "ResNet-18",
    "compact_densenet": "Compact DenseNet",
}


def parse_training(*form: Any) -> tuple[TrainConfig, int]:
    """The form as a configuration, and the images of each identity to train on.

    Args:
        form: α, images of each identity, epochs, names of schedule and architecture, learning
            rate and seed; a number is None where its field is empty.

    Raises:
        ConfigError: an empty field, or a value out of range.
    """
    alpha, images, epochs, schedule, architecture, learning_rate, seed = form
    alpha = _within("α", alpha, LOWEST_ALPHA, HIGHEST_ALPHA)
    learning_rate = _within("Learning rate", learning_rate, SMALLEST_RATE, LARGEST_RATE)
    chosen_epochs = whole_number("Epochs", _within("Epochs", epochs, 1, MAX_EPOCHS))
    chosen_seed = whole_number("Seed", _within("Seed", seed, 0, LARGEST_SEED))
    if images is None:
        raise ConfigError("Photos of each person is empty; fill it in.")
    chosen_images = whole_number("Photos of each person", images)
    if schedule not in SCHEDULES:
        raise ConfigError(f"No schedule {schedule!r}; choose one of {', '.join(SCHEDULES)}.")
    if architecture not in ARCHITECTURES:
        raise ConfigError(
            f"No architecture {architecture!r}; choose one of {', '.join(ARCHITECTURES)}."
        )
    config = TrainConfig(
        alpha=alpha,
        architecture=architecture,
        epochs=chosen_epochs,
        batch_size=RECIPE.batch_size,
        learning_rate=learning_rate,
        milestones=RECIPE.milestones,
        phases=SCHEDULES[schedule][1],
        seed=chosen_seed,
    )
    return config, chosen_images


def whole_number(label: str, value: float | None) -> int:
    """A field's value, refused rather than rounded.

    Raises:
        ConfigError: empty, or with decimals.
    """
    if value is None:
        raise ConfigError(f"{label} is empty; fill it in or choose a preset again.")
    if value != int(value):
        raise ConfigError(f"{label} must be a whole number, not {value:g}.")
    return int(value)


def _within(label: str, value: float | None, low: float, high: float) -> float:
    if value is None:
        raise ConfigError(f"{label} is empty; fill it in.")
    if not low <= value <= high:
        raise ConfigError(f"{label} must lie between {low:g} and {high:g}, not {value:g}.")
    return value
