"""The settings of a training as the Train page offers them."""

from typing import Any

from mia_demo.errors import ConfigError
from mia_demo.recipes.make_zoo import ZooRecipe
from mia_demo.smoothing import REFERENCE_PHASES
from mia_demo.training.config import TrainConfig
from mia_demo.ui.engine.field_checks import MAX_WHOLE, number_within, whole_number

MIN_ALPHA, MAX_ALPHA = -0.2, 0.5
FIRST_ALPHA = -0.05
FIRST_IMAGES = 8  # few photos and epochs: about a minute on two cores
FIRST_EPOCHS = 20
MAX_EPOCHS = 100  # the device is shared; the command line has no such limit
MIN_RATE, MAX_RATE = 1e-5, 0.1

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
    alpha = number_within("α", alpha, MIN_ALPHA, MAX_ALPHA)
    learning_rate = number_within("Learning rate", learning_rate, MIN_RATE, MAX_RATE)
    chosen_epochs = whole_number("Epochs", number_within("Epochs", epochs, 1, MAX_EPOCHS))
    chosen_seed = whole_number("Seed", number_within("Seed", seed, 0, MAX_WHOLE))
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


def form_of(config: TrainConfig, images: int) -> dict[str, Any]:
    """These settings by their names in links; no ``schedule`` where the page offers no such."""
    schedules = [name for name, (_, phases) in SCHEDULES.items() if phases == config.phases]
    schedule = {"schedule": schedules[0]} if schedules else {}
    return {
        "alpha": config.alpha,
        "photos": images,
        "epochs": config.epochs,
        **schedule,
        "architecture": config.architecture,
        "learning_rate": config.learning_rate,
        "seed": config.seed,
    }
