"""The prior's training: what each loss asks for, and a kill at any moment loses nothing saved."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import pytest
import torch

from mia_demo.errors import CheckpointError, ConfigError
from mia_demo.models.classifiers import CompactResNet
from mia_demo.models.critics import FeatureCritics
from mia_demo.models.features import FaceFeatures, feature_error
from mia_demo.training.prior import PriorTrainer, train_prior
from mia_demo.training.prior_config import PriorConfig
from mia_demo.training.prior_losses import augment, energy_distance, pixel_error

# Critics join after two of the steps below.
CONFIG = PriorConfig(
    resolution=16, latent_dim=8, channel_base=128, channel_max=8, mapping_layers=2, batch_size=8,
    warmup_kimg=0.016, sampled=4, bank=16,
)  # fmt: skip


@pytest.fixture
def features() -> FaceFeatures:
    torch.manual_seed(0)
    return FaceFeatures(CompactResNet(8, width=4, stem_stride=1))


@pytest.fixture
def images() -> torch.Tensor:
    rng = torch.Generator().manual_seed(0)
    return torch.randint(0, 256, (20, 3, 16, 16), generator=rng).to(torch.uint8)


def test_critics_join_after_the_warm_up(tmp_path, images, features, compute) -> None:
    trainer = PriorTrainer(CONFIG, features, compute)
    frames = list(islice(train_prior(trainer, images, tmp_path, minutes=1), 5))
    assert [frame.images_seen for frame in frames] == [8, 16, 24, 32, 40]
    assert [frame.critic_loss > 0 for frame in frames] == [False, False, True, True, True]
    assert all(frame.pixel_error > 0 and frame.feature_error > 0 for frame in frames)


def test_rebuilding_and_the_mapping_improve(images, features, compute) -> None:
    changes = {"warmup_kimg": 1.0, "bank": 64}
    trainer = PriorTrainer(PriorConfig(**{**vars(CONFIG), **changes}), features, compute)
    frames = [trainer.train_step(images) for _ in range(60)]
    first, last = frames[5], frames[-1]
    assert last.pixel_error < 0.7 * first.pixel_error
    assert last.feature_error < first.feature_error
    assert last.style_distance < 0.5 * first.style_distance


def test_settling_the_styles_changes_no_picture(images, features, compute) -> None:
    trainer = PriorTrainer(CONFIG, features, compute)
    for _ in range(2):
        trainer.train_step(images)
    generator = trainer.generator.eval()
    z = torch.randn(4, 8)
    before, style = generator(z, noise_mode="none"), generator.mapping(z)
    trainer._settle_styles()
    torch.testing.assert_close(generator(z, noise_mode="none"), before, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(generator.mapping(z) * trainer.style_scale, style)
    spread = (trainer.bank - trainer.bank.mean(dim=0)).square().mean().sqrt()
    assert spread.item() == pytest.approx(1)
    encoder = {name: tensor.clone() for name, tensor in trainer.encoder.state_dict().items()}
    trainer.train_step(images)  # critics have joined: what a style means is settled
    for name, tensor in trainer.encoder.state_dict().items():
        assert torch.equal(tensor, encoder[name]), name


def test_resumed_training_equals_an_uninterrupted_one(
    tmp_path: Path, images, features, compute
) -> None:
    whole = PriorTrainer(CONFIG, features, compute)
    for _ in range(6):
        whole.train_step(images)
    first = PriorTrainer(CONFIG, features, compute)
    for _ in range(3):
        first.train_step(images)
    first.save(tmp_path)
    second = PriorTrainer(CONFIG, features, compute)
    second.load(tmp_path)
    for _ in range(3):
        second.train_step(images)
    assert second.images_seen == whole.images_seen
    for name, tensor in whole.average.state_dict().items():
        torch.testing.assert_close(tensor, second.average.state_dict()[name], msg=name)


def test_a_sitting_ends_with_a_saved_state(tmp_path: Path, images, features, compute) -> None:
    trained = PriorTrainer(CONFIG, features, compute)
    frames = list(train_prior(trained, images, tmp_path, minutes=0.002))
    trainer = PriorTrainer(CONFIG, features, compute)
    trainer.load(tmp_path)
    assert trainer.step == frames[-1].step
    other = PriorTrainer(PriorConfig(**{**vars(CONFIG), "latent_dim": 4}), features, compute)
    with pytest.raises(CheckpointError, match="other settings"):
        other.load(tmp_path)


def test_the_feature_network_is_never_trained(images, features, compute) -> None:
    before = {name: tensor.clone() for name, tensor in features.state_dict().items()}
    trainer = PriorTrainer(CONFIG, features, compute)
    for _ in range(3):
        trainer.train_step(images)
    for name, tensor in trainer.features.state_dict().items():
        assert torch.equal(tensor, before[name]), name
    assert not features.train().network.training


def test_likeness_is_zero_for_the_same_picture_and_grows_with_the_change(features) -> None:
    image = torch.rand(2, 3, 16, 16) * 2 - 1
    stages = features(image)
    assert feature_error(stages, stages).tolist() == [0, 0]
    little, much = (
        feature_error(features(image + size * torch.randn_like(image)), stages).mean()
        for size in (0.05, 0.5)
    )
    assert 0 < little < much
    assert pixel_error(image, image) == 0


def test_energy_distance_tells_distributions_apart() -> None:
    rng = torch.Generator().manual_seed(0)
    a, b = (torch.randn(1500, 4, generator=rng) for _ in range(2))
    assert abs(energy_distance(a, b)) < 0.02  # the same: no bias
    assert energy_distance(a, b + 1) > 0.5
    assert energy_distance(a, 2 * b) > 0.1


def test_critics_judge_every_stage_of_any_size(features) -> None:
    for resolution in (16, 64):
        critics = FeatureCritics(features.shapes(resolution))
        verdicts = critics(features(torch.zeros(2, 3, resolution, resolution)))
        assert [len(verdict) for verdict in verdicts] == [2, 2, 2, 2]


def test_augmentation_is_light_and_differentiable() -> None:
    images = torch.zeros(4, 3, 16, 16, requires_grad=True)
    rng = torch.Generator().manual_seed(0)
    moved = augment(images, rng, translation=1 / 16, brightness=0.1)
    assert moved.abs().max() <= 0.1 + 1e-6
    moved.sum().backward()
    assert images.grad is not None


def test_settings_out_of_range_are_refused() -> None:
    with pytest.raises(ConfigError, match="power of two"):
        PriorConfig(resolution=60)
    with pytest.raises(ConfigError, match="at least 2"):
        PriorConfig(batch_size=1)
    with pytest.raises(ConfigError, match="at least one step"):
        PriorConfig(warmup_kimg=0)
