"""The step of ``make-zoo`` that trains where all targets start.

The paper's targets start from ImageNet. Here a network of their own learns to tell the public
identities apart; it judges nothing and the prior knows nothing of it.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch
import torch.nn.functional as F

from mia_demo.data.identities import IdentitySet
from mia_demo.data.splits import public_split
from mia_demo.models.embedder import rank1_accuracy
from mia_demo.system.device import Compute
from mia_demo.training.classifier import (
    ClassifierTrainer,
    LabelledImages,
    TrainConfig,
    predict,
    train_classifier,
)
from mia_demo.training.initial_weights import PRETRAINED
from mia_demo.zoo.folder import Zoo
from mia_demo.zoo.manifest import UNSTORED, CheckpointEntry
from mia_demo.zoo.training_record import TrainingRecord


def make_pretrained(
    zoo: Zoo,
    config: TrainConfig,
    public: IdentitySet,
    compute: Compute,
    work: Path,
    log: Callable[[str], None],
) -> None:
    """Trains it on public identities; rank-1 of its features is measured on held-out ones."""
    recipe = config.to_json()
    if zoo.is_made(PRETRAINED, recipe):
        return
    used, held_out = public_split(public)
    images, labels = public.tensors(config.input_size, labels=used)
    dense = torch.searchsorted(torch.tensor(used), labels)
    classifier = config.classifier(len(used))
    trainer = ClassifierTrainer(classifier, config, compute, LabelledImages(images, dense))
    for frame in train_classifier(trainer, None, work / PRETRAINED):
        if frame.step % trainer.steps_per_epoch == 0:
            log(
                f"{PRETRAINED}: epoch {frame.epoch + 1}/{frame.epochs}, loss {frame.loss:.3f}, "
                f"train accuracy {frame.train_accuracy:.4f}, {frame.seconds:.0f} s"
            )
    probes, probe_labels = public.tensors(config.input_size, labels=held_out)
    features = F.normalize(predict(classifier, probes, compute, output=classifier.features))
    gallery = torch.arange(len(probe_labels)) % 2 == 0
    rank1 = rank1_accuracy(features, probe_labels, gallery)
    log(f"{PRETRAINED}: rank-1 among {len(held_out)} held-out identities {rank1:.4f}")
    entry = CheckpointEntry(
        name=PRETRAINED,
        kind=PRETRAINED,
        stored=UNSTORED,
        architecture=config.architecture,
        arguments=config.arguments,
        num_classes=len(used),
        input_size=config.input_size,
        epochs=config.epochs,
        seed=config.seed,
        test_accuracy=rank1,
        training=TrainingRecord(
            recipe=recipe,
            seconds=round(trainer.seconds, 1),
            identities=len(used),
            held_out_identities=len(held_out),
        ),
    )
    zoo.add(entry, classifier.network.state_dict(), torch.float32)
