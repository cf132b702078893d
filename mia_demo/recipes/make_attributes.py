"""The step of ``make-zoo`` that trains the attribute heads and measures them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch

from mia_demo.data.attributes import true_values
from mia_demo.data.identities import IdentitySet
from mia_demo.data.splits import public_split
from mia_demo.metrics.attributes import base_rates, right_values, shares
from mia_demo.models.attributes import NUM_LOGITS, predicted_values
from mia_demo.system.device import Compute
from mia_demo.training.attributes import AttributeTrainer, attribute_recipe
from mia_demo.training.classifier import LabelledImages, TrainConfig, predict, train_classifier
from mia_demo.zoo.folder import Zoo
from mia_demo.zoo.manifest import UNSTORED, CheckpointEntry
from mia_demo.zoo.training_record import TrainingRecord

NAME = "attributes"


def make_attributes(
    zoo: Zoo,
    config: TrainConfig,
    public: IdentitySet,
    compute: Compute,
    work: Path,
    log: Callable[[str], None],
) -> None:
    """Trains the heads on public identities; accuracies are measured on held-out ones.

    A set without ground truth makes no heads: the step is left out and says so.
    """
    recipe = attribute_recipe(config)
    if zoo.is_made(NAME, recipe):
        return
    if not public.attributes:
        log(f"{NAME}: left out, the public identities have no identities.json")
        return
    truth = true_values(public)
    used, held_out = public_split(public)
    images, labels = public.tensors(config.input_size, labels=used)
    heads = config.classifier(NUM_LOGITS)
    trainer = AttributeTrainer(heads, config, compute, LabelledImages(images, truth[labels]))
    for frame in train_classifier(trainer, None, work / NAME):
        if frame.step % trainer.steps_per_epoch == 0:
            log(
                f"{NAME}: epoch {frame.epoch + 1}/{frame.epochs}, loss {frame.loss:.3f}, "
                f"train accuracy {frame.train_accuracy:.4f}, {frame.seconds:.0f} s"
            )
    heads.half().float()  # measured as stored
    images, labels = public.tensors(config.input_size, labels=held_out)
    right = right_values(predicted_values(predict(heads, images, compute)), truth[labels])
    accuracies = shares(right)
    known = {name: share for name, share in accuracies.items() if share is not None}
    log(f"{NAME}: on {len(held_out)} held-out identities {known}")
    entry = CheckpointEntry(
        name=NAME,
        kind="attributes",
        stored=UNSTORED,
        architecture=config.architecture,
        arguments=config.arguments,
        num_classes=NUM_LOGITS,
        input_size=config.input_size,
        epochs=config.epochs,
        seed=config.seed,
        test_accuracy=sum(known.values()) / len(known),
        training=TrainingRecord(
            recipe=recipe,
            seconds=round(trainer.seconds, 1),
            identities=len(used),
            held_out_identities=len(held_out),
            held_out_accuracy=accuracies,
            held_out_base_rate={
                name: rate for name, (_, rate) in base_rates(truth[held_out]).items()
            },
        ),
    )
    zoo.add(entry, heads.network.state_dict(), torch.float16)
