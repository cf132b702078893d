"""Knowledge extraction score: what a student learns from reconstructions alone.

A classifier that never saw a real image of the identities is trained on the attack's kept images,
labelled with their targets; its accuracy on real images says how much knowledge leaked. Paper,
section 4; the student here is a compact network from scratch instead of a pretrained ResNet-50.
"""

from dataclasses import dataclass

from mia_demo.errors import ConfigError
from mia_demo.system.device import Compute
from mia_demo.training.classifier import (
    ClassifierTrainer,
    LabelledImages,
    accuracy,
    train_classifier,
)
from mia_demo.training.config import TrainConfig

# Any seed will do, if all lanes share it: their students then differ in their images only.
STUDENT = TrainConfig(arguments={"width": 24}, epochs=30, batch_size=32, seed=5)
MIN_IMAGES = 2  # per identity


@dataclass(frozen=True)
class Extraction:
    """Student accuracy on the target's real training and test images (xi_train, xi_test), 0..1."""

    train: float
    test: float


def knowledge_extraction(
    reconstructions: LabelledImages,
    train: LabelledImages,
    test: LabelledImages,
    compute: Compute,
    config: TrainConfig = STUDENT,
) -> Extraction:
    """Trains the student and examines it.

    Raises:
        ConfigError: an identity of the real images has too few reconstructions, or the student
            has no real images to be examined on.
    """
    if not len(train.labels) or not len(test.labels):
        raise ConfigError(
            "Knowledge extraction needs real images of both splits, not "
            f"{len(train.labels)} for training and {len(test.labels)} for testing."
        )
    if len(train.labels.unique()) < 2:
        raise ConfigError(
            "Knowledge extraction needs at least 2 identities; a student of one is always right."
        )
    num_classes = int(max(train.labels.max(), test.labels.max())) + 1
    counts = reconstructions.labels.bincount(minlength=num_classes)
    for label in train.labels.unique().tolist():
        if counts[label] < MIN_IMAGES:
            raise ConfigError(
                f"Knowledge extraction needs {MIN_IMAGES} reconstructions of every identity; "
                f"identity {label} has {int(counts[label])}."
            )
    trainer = ClassifierTrainer(config.classifier(num_classes), config, compute, reconstructions)
    for _ in train_classifier(trainer, None):
        pass
    return Extraction(
        train=accuracy(trainer.network, train, compute),
        test=accuracy(trainer.network, test, compute),
    )
