"""Trains targets and evaluators for a zoo."""

from dataclasses import dataclass, replace
from pathlib import Path

import torch

from mia_demo.errors import ConfigError
from mia_demo.models.classifiers import Classifier
from mia_demo.recipes.workshop import Workshop
from mia_demo.system.tensor_files import round_as_kept
from mia_demo.training.classifier import (
    STATE_FILE,
    ClassifierTrainer,
    LabelledImages,
    accuracy,
    train_classifier,
)
from mia_demo.training.config import TrainConfig
from mia_demo.training.initial_weights import PRETRAINED, RANDOM, load_initial_weights
from mia_demo.zoo.manifest import UNSTORED, CheckpointEntry
from mia_demo.zoo.reading import Zoo
from mia_demo.zoo.training_record import TrainingRecord


@dataclass(frozen=True)
class ClassifierRequest:
    """A classifier that a zoo shall have.

    Attributes:
        kind: ``target`` or ``evaluator``.
        train, test: labels 0..C-1 of the same C identities.
    """

    name: str
    kind: str
    config: TrainConfig
    train: LabelledImages
    test: LabelledImages


def make_classifier(workshop: Workshop, request: ClassifierRequest) -> None:
    """Trains the classifier and adds it to the zoo, unless it is there with the same recipe.

    It is measured as it is stored.

    Raises:
        ConfigError: it is there, trained on other photos.
    """
    zoo, compute, name, config = workshop.zoo, workshop.compute, request.name, request.config
    num_classes = int(request.train.labels.max()) + 1
    photos = len(request.train.labels) // num_classes
    if zoo.is_made(name, config.to_json()):
        made = zoo.entry(name)
        if made.num_classes != num_classes or made.training.images_per_identity not in (
            None,
            photos,
        ):
            raise ConfigError(
                f"{zoo.root} holds {name!r}, trained alike on other photos; choose another name "
                "or folder."
            )
        return
    state = workshop.states / name
    classifier = new_classifier(zoo, config, num_classes, state)
    trainer = ClassifierTrainer(classifier, config, compute, request.train)
    train_accuracy = None
    for frame in train_classifier(trainer, request.test, state):
        if frame.test_accuracy is not None:
            train_accuracy = frame.train_accuracy
            workshop.log(
                f"{name}: epoch {frame.epoch + 1}/{frame.epochs}, alpha {frame.alpha:+.3f}, "
                f"loss {frame.loss:.3f}, test accuracy {frame.test_accuracy:.4f}, "
                f"{frame.seconds:.0f} s"
            )
    round_as_kept(classifier.network)
    test_accuracy = accuracy(classifier, request.test, compute)
    entry = classifier_entry(
        name,
        request.kind,
        trainer,
        num_classes=num_classes,
        train_accuracy=train_accuracy,
        test_accuracy=test_accuracy,
    )
    entry = replace(entry, training=replace(entry.training, images_per_identity=photos))
    zoo.add(entry, classifier.network.state_dict(), torch.float16)


def new_classifier(zoo: Zoo, config: TrainConfig, num_classes: int, state: Path) -> Classifier:
    """A network with the initial weights of its recipe; a state to resume from replaces them.

    Args:
        zoo: whose pretrained network ``pretrained`` means.
        state: folder of the training's state.

    Raises:
        CheckpointError: the zoo has no pretrained network, or a damaged one.
    """
    classifier = config.classifier(num_classes)
    if not (state / STATE_FILE).exists():
        source = config.initial_weights
        if source == PRETRAINED:
            source = str(zoo.verified_path(zoo.entry(PRETRAINED).stored))
        load_initial_weights(classifier.network, config.architecture, source)
    return classifier


def with_usual_start(config: TrainConfig, zoo: Zoo) -> TrainConfig:
    """The same training from the zoo's pretrained network, where its architecture is the same."""
    start = zoo.find(PRETRAINED)
    fits = start is not None and (start.architecture, start.arguments, start.input_size) == (
        config.architecture,
        config.arguments,
        config.input_size,
    )
    return replace(config, initial_weights=PRETRAINED if fits else RANDOM)


def classifier_entry(
    name: str,
    kind: str,
    trainer: ClassifierTrainer,
    *,
    num_classes: int,
    train_accuracy: float | None,
    test_accuracy: float,
) -> CheckpointEntry:
    """The manifest entry of a finished training."""
    config = trainer.config
    return CheckpointEntry(
        name=name,
        kind=kind,
        stored=UNSTORED,
        architecture=config.architecture,
        arguments=config.arguments,
        num_classes=num_classes,
        input_size=config.input_size,
        alpha=config.alpha,
        alphas=trainer.alphas,
        defence=config.defence,
        strengths=config.strengths,
        epochs=config.epochs,
        seed=config.seed,
        test_accuracy=test_accuracy,
        train_accuracy=train_accuracy,
        training=TrainingRecord(recipe=trainer.recipe(), seconds=round(trainer.seconds, 1)),
    )
