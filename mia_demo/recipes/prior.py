"""Trains the prior for a zoo."""

from dataclasses import asdict

import torch

from mia_demo.data.identities import IdentitySet
from mia_demo.data.splits import public_split
from mia_demo.recipes.workshop import Workshop
from mia_demo.training.prior import PriorTrainer, train_prior
from mia_demo.training.prior_config import PriorConfig
from mia_demo.zoo.folder import FolderZoo
from mia_demo.zoo.manifest import UNSTORED, CheckpointEntry
from mia_demo.zoo.training_record import TrainingRecord

LOG_EVERY = 50  # steps


def make_prior(
    workshop: Workshop, config: PriorConfig, public: IdentitySet, *, minutes: float
) -> None:
    """Trains the prior for ``minutes``, resuming from its state if there is one."""
    used, _ = public_split(public)
    images, _ = public.tensors(config.resolution, labels=used)
    trainer = PriorTrainer(config, workshop.zoo.load_features(), workshop.compute)
    for frame in train_prior(trainer, images, workshop.states / "prior", minutes=minutes):
        if frame.step % LOG_EVERY == 0:
            workshop.log(
                f"prior: {frame.images_seen} images, error in pixels {frame.pixel_error:.4f}, in "
                f"features {frame.feature_error:.4f}, styles {frame.style_distance:.4f}, critics "
                f"{frame.critic_loss:.3f}, {frame.seconds:.0f} s"
            )
    add_prior(workshop.zoo, trainer, identities=len(used))


def add_prior(zoo: FolderZoo, trainer: PriorTrainer, *, identities: int) -> None:
    """Adds the averaged generator of a training to the zoo, as float16 to halve the file.

    The noise inputs only serve the training: at 64 px a fixed noise pattern is speckle on every
    face, so the checkpoint has them switched off.
    """
    config = trainer.config
    state = {
        name: torch.zeros_like(tensor) if name.endswith("noise_strength") else tensor
        for name, tensor in trainer.average.state_dict().items()
    }
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
            images_seen=trainer.images_seen,
            seconds=round(trainer.seconds, 1),
            identities=identities,
        ),
    )
    zoo.add(entry, state, torch.float16)
