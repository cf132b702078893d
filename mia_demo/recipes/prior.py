"""Trains the prior for a zoo."""

from dataclasses import asdict

import torch

from mia_demo.data.identities import IdentitySet
from mia_demo.data.splits import public_split
from mia_demo.recipes.workshop import Workshop
from mia_demo.training.prior.config import PriorConfig
from mia_demo.training.prior.training import PriorTraining
from mia_demo.zoo.folder import FolderZoo
from mia_demo.zoo.manifest import UNSTORED, CheckpointEntry
from mia_demo.zoo.training_record import TrainingRecord

LOG_EVERY = 50  # steps


def make_prior(
    workshop: Workshop, config: PriorConfig, public: IdentitySet, *, minutes: float
) -> bool:
    """Trains the prior for ``minutes``, from where the last sitting ended, unless the zoo has it.

    Returns:
        whether it is done and in the zoo.
    """
    if workshop.zoo.is_made("prior", asdict(config)):
        return True
    used, _ = public_split(public)
    images, _ = public.tensors(config.resolution, labels=used)
    features = workshop.zoo.load_features()
    training = PriorTraining(config, images, features, workshop.compute, workshop.states / "prior")
    for frame in training.run(minutes):
        if frame.step % LOG_EVERY == 0:
            errors = ", ".join(f"{name} {error:.4f}" for name, error in frame.errors.items())
            workshop.log(
                f"prior: {frame.phase}, step {frame.step} of {frame.steps}, errors: {errors}, "
                f"{frame.seconds:.0f} s"
            )
    if training.prior is None:
        return False
    add_prior(workshop.zoo, training, identities=len(used))
    return True


def add_prior(zoo: FolderZoo, training: PriorTraining, *, identities: int) -> None:
    """Adds a finished prior to the zoo, as float16 to halve the file."""
    assert training.prior is not None
    config = training.config
    entry = CheckpointEntry(
        name="prior",
        kind="prior",
        stored=UNSTORED,
        architecture="stylegan2",
        arguments=config.architecture(),
        input_size=config.resolution,
        seed=config.seed,
        training=TrainingRecord(
            recipe=asdict(config),
            images_seen=training.images_seen,
            seconds=round(training.seconds, 1),
            identities=identities,
        ),
    )
    zoo.add(entry, training.prior.state_dict(), torch.float16)
