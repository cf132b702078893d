"""Networks trained on the public identities: pretrained, embedder, features, attribute heads.

A tenth of the public identities is never trained on; each network's accuracy is measured on them.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F

from mia_demo.data.attributes import true_values
from mia_demo.data.identities import IdentitySet
from mia_demo.data.splits import public_split
from mia_demo.metrics.attributes import base_rates, right_values, shares
from mia_demo.models.attributes import NUM_LOGITS, predicted_values
from mia_demo.models.classifiers import Classifier, build_classifier
from mia_demo.models.embedder import CosineClassifier, FaceEmbedder, rank1_accuracy
from mia_demo.recipes.workshop import Workshop
from mia_demo.system.device import Compute
from mia_demo.system.seeds import SeededDraws
from mia_demo.system.tensor_files import round_as_kept
from mia_demo.training.attributes import AttributeTrainer, attribute_recipe
from mia_demo.training.classifier import (
    ClassifierTrainer,
    LabelledImages,
    predict,
    train_classifier,
)
from mia_demo.training.config import TrainConfig
from mia_demo.zoo.manifest import UNSTORED, CheckpointEntry
from mia_demo.zoo.training_record import TrainingRecord

EMBEDDING_DIM = 128


@dataclass(frozen=True)
class HeldOutFigures:
    """Accuracy on held-out identities, and of attribute heads that of each attribute."""

    accuracy: float
    by_attribute: dict[str, float | None]
    base_rates: dict[str, float]


class PublicNetwork(ABC):
    """What is particular to one kind of network.

    Attributes:
        name: of the checkpoint, and its kind.
        used, held_out: labels of the identities to train on, and of those to measure on.
        stored: the network that the zoo keeps, in float16.
    """

    def __init__(self, name: str, config: TrainConfig, public: IdentitySet) -> None:
        self.name = name
        self.config = config
        self.public = public
        self.used, self.held_out = public_split(public)
        self.stored: Classifier

    def recipe(self) -> dict[str, Any]:
        """What decides the weights, besides the data."""
        return self.config.to_json()

    def images(self, labels: list[int]) -> tuple[torch.Tensor, torch.Tensor]:
        """Images uint8 [N, 3, S, S] of these identities, and their labels in the whole set."""
        return self.public.tensors(self.config.input_size, labels=labels)

    @abstractmethod
    def trainer(self, compute: Compute) -> ClassifierTrainer:
        """A network with random weights and its training; sets ``stored``."""

    @abstractmethod
    def measure(self, compute: Compute) -> HeldOutFigures:
        """How good the trained network is."""


class PretrainedNetwork(PublicNetwork):
    """Where all targets start: it tells the public identities apart and judges nothing.

    The paper's targets start from ImageNet.
    """

    def trainer(self, compute: Compute) -> ClassifierTrainer:
        self.stored = self.config.classifier(len(self.used))
        return ClassifierTrainer(self.stored, self.config, compute, self._train())

    def measure(self, compute: Compute) -> HeldOutFigures:
        probes, labels = self.images(self.held_out)
        features = predict(self.stored, probes, compute, output=self.stored.features)
        return _rank1(F.normalize(features), labels)

    def _train(self) -> LabelledImages:
        images, labels = self.images(self.used)
        return LabelledImages(images, torch.searchsorted(torch.tensor(self.used), labels))


class EmbeddingNetwork(PretrainedNetwork):
    """``embedder`` judges attacks; the stages of ``features`` tell the prior what faces look like.

    Two networks, so that the judge knows nothing of the prior.
    """

    def trainer(self, compute: Compute) -> ClassifierTrainer:
        config = self.config
        with SeededDraws(config.seed):
            self.stored = build_classifier(
                config.architecture, EMBEDDING_DIM, config.input_size, config.arguments
            )
            self.embedder = FaceEmbedder(self.stored)
            network = CosineClassifier(self.embedder, len(self.used))
        return ClassifierTrainer(network, config, compute, self._train())

    def measure(self, compute: Compute) -> HeldOutFigures:
        probes, labels = self.images(self.held_out)
        return _rank1(predict(self.embedder, probes, compute), labels)


class AttributeNetwork(PublicNetwork):
    """Reads attributes off a face.

    Raises:
        DataError: the public identities have no usable ground truth.
    """

    def __init__(self, name: str, config: TrainConfig, public: IdentitySet) -> None:
        super().__init__(name, config, public)
        self.truth = true_values(public)

    def recipe(self) -> dict[str, Any]:
        return attribute_recipe(self.config)

    def trainer(self, compute: Compute) -> ClassifierTrainer:
        images, labels = self.images(self.used)
        self.stored = self.config.classifier(NUM_LOGITS)
        train = LabelledImages(images, self.truth[labels])
        return AttributeTrainer(self.stored, self.config, compute, train)

    def measure(self, compute: Compute) -> HeldOutFigures:
        images, labels = self.images(self.held_out)
        values = predicted_values(predict(self.stored, images, compute))
        accuracies = shares(right_values(values, self.truth[labels]))
        known = [share for share in accuracies.values() if share is not None]
        rates = base_rates(self.truth[self.held_out])
        return HeldOutFigures(
            accuracy=sum(known) / len(known),
            by_attribute=accuracies,
            base_rates={name: rate for name, (_, rate) in rates.items()},
        )


def train_public_network(workshop: Workshop, network: PublicNetwork) -> None:
    """Trains and measures it and adds it to the zoo, unless it is there with the same recipe."""
    zoo, compute, log = workshop.zoo, workshop.compute, workshop.log
    name, config, recipe = network.name, network.config, network.recipe()
    if zoo.is_made(name, recipe):
        return
    trainer = network.trainer(compute)
    for frame in train_classifier(trainer, None, workshop.states / name):
        if frame.step % trainer.steps_per_epoch == 0:
            log(
                f"{name}: epoch {frame.epoch + 1}/{frame.epochs}, loss {frame.loss:.3f}, "
                f"train accuracy {frame.train_accuracy:.4f}, {frame.seconds:.0f} s"
            )
    round_as_kept(network.stored)
    measured = network.measure(compute)
    figures = measured.by_attribute or f"rank-1 {measured.accuracy:.4f}"
    log(f"{name}: on {len(network.held_out)} held-out identities {figures}")
    entry = CheckpointEntry(
        name=name,
        kind=name,
        stored=UNSTORED,
        architecture=config.architecture,
        arguments=config.arguments,
        num_classes=network.stored.num_classes,
        input_size=config.input_size,
        epochs=config.epochs,
        seed=config.seed,
        test_accuracy=measured.accuracy,
        training=TrainingRecord(
            recipe=recipe,
            seconds=round(trainer.seconds, 1),
            identities=len(network.used),
            held_out_identities=len(network.held_out),
            held_out_accuracy=measured.by_attribute,
            held_out_base_rate=measured.base_rates,
        ),
    )
    zoo.add(entry, network.stored.network.state_dict(), torch.float16)


def _rank1(embeddings: torch.Tensor, labels: torch.Tensor) -> HeldOutFigures:
    """Every second image is in the gallery, the others are probes."""
    gallery = torch.arange(len(labels)) % 2 == 0
    return HeldOutFigures(rank1_accuracy(embeddings, labels, gallery), {}, {})
