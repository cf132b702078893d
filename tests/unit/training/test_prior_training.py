"""The prior's training: both phases run, and a kill at any moment loses nothing saved."""

from __future__ import annotations

import math
from itertools import islice
from pathlib import Path

import pytest
import torch

from mia_demo.errors import CheckpointError, ConfigError
from mia_demo.training.prior import PriorConfig, PriorTrainer, augment, train_prior

# The adversarial loss joins after two of the steps below.
CONFIG = PriorConfig(
    resolution=16, latent_dim=8, channel_base=128, channel_max=8, mapping_layers=2, batch_size=8,
    warmup_kimg=0.016, r1_interval=2,
)  # fmt: skip


@pytest.fixture
def images() -> torch.Tensor:
    rng = torch.Generator().manual_seed(0)
    return torch.randint(0, 256, (20, 3, 16, 16), generator=rng).to(torch.uint8)


def test_the_adversarial_loss_joins_after_the_warm_up(tmp_path, images, compute) -> None:
    frames = list(islice(train_prior(images, CONFIG, compute, tmp_path, minutes=1), 5))
    assert [frame.images_seen for frame in frames] == [8, 16, 24, 32, 40]
    assert [frame.discriminator_loss > 0 for frame in frames] == [False, False, True, True, True]
    assert [math.isnan(frame.r1_penalty) for frame in frames] == [True, True, False, True, False]
    assert all(frame.reconstruction > 0 for frame in frames)


def test_resumed_training_equals_an_uninterrupted_one(tmp_path: Path, images, compute) -> None:
    whole = PriorTrainer(CONFIG, compute)
    for _ in range(6):
        whole.train_step(images)
    first = PriorTrainer(CONFIG, compute)
    for _ in range(3):
        first.train_step(images)
    first.save(tmp_path)
    second = PriorTrainer(CONFIG, compute)
    second.load(tmp_path)
    for _ in range(3):
        second.train_step(images)
    assert second.images_seen == whole.images_seen
    for name, tensor in whole.average.state_dict().items():
        torch.testing.assert_close(tensor, second.average.state_dict()[name], msg=name)


def test_a_sitting_ends_with_a_saved_state(tmp_path: Path, images, compute) -> None:
    frames = list(train_prior(images, CONFIG, compute, tmp_path, minutes=0.002))
    trainer = PriorTrainer(CONFIG, compute)
    trainer.load(tmp_path)
    assert trainer.step == frames[-1].step
    other = PriorTrainer(PriorConfig(**{**vars(CONFIG), "latent_dim": 4}), compute)
    with pytest.raises(CheckpointError, match="other settings"):
        other.load(tmp_path)


def test_augmentation_is_light_and_differentiable() -> None:
    images = torch.zeros(4, 3, 16, 16, requires_grad=True)
    moved = augment(images, CONFIG, torch.Generator().manual_seed(0))
    assert moved.abs().max() <= CONFIG.brightness + 1e-6
    moved.sum().backward()
    assert images.grad is not None


def test_settings_out_of_range_are_refused() -> None:
    with pytest.raises(ConfigError, match="power of two"):
        PriorConfig(resolution=60)
    with pytest.raises(ConfigError, match="multiple of 4"):
        PriorConfig(batch_size=6)
