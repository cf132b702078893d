"""The prior's training: what each phase learns, and that it goes on where it ended."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from mia_demo.errors import CheckpointError, ConfigError, DataError
from mia_demo.models import restorer
from mia_demo.models.classifiers import CompactResNet
from mia_demo.models.critics import PatchCritics
from mia_demo.models.features import FaceFeatures, feature_error
from mia_demo.models.restorer import Restorer
from mia_demo.system.device import Compute
from mia_demo.training.prior import phase as phase_module
from mia_demo.training.prior.autoencoder import (
    AutoencoderPhase,
    HalfPrior,
    codes_of,
    colour_error,
    pixel_error,
    settle_styles,
)
from mia_demo.training.prior.config import PriorConfig
from mia_demo.training.prior.degradation import degrade
from mia_demo.training.prior.distillation import DistillationPhase
from mia_demo.training.prior.mapping import MappingPhase, energy_distance
from mia_demo.training.prior.phase import Phase, run_phase
from mia_demo.training.prior.restoration import RestorationPhase
from mia_demo.training.prior.training import PriorTraining

CONFIG = PriorConfig(
    resolution=32, latent_dim=8, channel_base=256, channel_max=8, mapping_layers=2,
    autoencoder_kimg=0.08, mapping_steps=4, restoration_kimg=0.064, distillation_kimg=0.048,
)  # fmt: skip

MakePhase = Callable[[PriorConfig], Phase]


def some_features() -> FaceFeatures:
    torch.manual_seed(0)
    return FaceFeatures(CompactResNet(8, width=4, stem_stride=1))


def smooth_images() -> Tensor:
    """Smooth enough to be learnt."""
    rng = torch.Generator().manual_seed(0)
    coarse = torch.randint(0, 256, (20, 3, 4, 4), generator=rng).float()
    return F.interpolate(coarse, 32, mode="bilinear").to(torch.uint8)


@pytest.fixture(scope="module", autouse=True)
def narrow_restorer() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as changed:
        changed.setattr(restorer, "WIDTHS", (4, 8, 12, 16))
        changed.setattr(restorer, "FINE", 4)
        yield


@pytest.fixture
def features() -> FaceFeatures:
    return some_features()


@pytest.fixture
def images() -> Tensor:
    return smooth_images()


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, compute: Compute) -> PriorTraining:
    """A training that nothing interrupted."""
    folder = tmp_path_factory.mktemp("whole")
    training = PriorTraining(CONFIG, smooth_images(), some_features(), compute, folder)
    list(training.run(minutes=5))
    return training


@pytest.fixture(params=["autoencoder", "mapping", "restoration", "distillation"])
def make_phase(
    request: pytest.FixtureRequest, images: Tensor, features: FaceFeatures, compute: Compute
) -> MakePhase:
    def make(config: PriorConfig) -> Phase:
        if request.param == "autoencoder":
            return AutoencoderPhase(config, images, features, compute)
        torch.manual_seed(0)
        base = HalfPrior(config.generator(config.base_resolution), 3 * torch.randn(20, 8))
        if request.param == "mapping":
            return MappingPhase(config, base, compute)
        base.generator.requires_grad_(False)
        if request.param == "restoration":
            return RestorationPhase(config, images, base, features, compute)
        teacher = Restorer().requires_grad_(False)
        return DistillationPhase(config, base, teacher, features, compute)

    return make


def test_every_phase_improves(make_phase: MakePhase) -> None:
    long = replace(
        CONFIG, autoencoder_kimg=1.2, mapping_steps=60, restoration_kimg=0.96,
        distillation_kimg=0.72,
    )  # fmt: skip
    phase = make_phase(long)
    frames = [phase.train_step() for _ in range(60)]
    assert phase.is_done
    name = "distance" if "distance" in frames[0].errors else "features"
    errors = [frame.errors[name] for frame in frames]
    assert sum(errors[-20:]) < sum(errors[:20])


def test_the_rate_rises_and_falls(make_phase: MakePhase) -> None:
    config = replace(
        CONFIG, autoencoder_kimg=20, mapping_steps=1000, restoration_kimg=16, distillation_kimg=12
    )
    phase = make_phase(config)
    rates = []
    for step in (0, 150, 500, 999):
        phase.step = step
        phase._set_rates()
        adam = phase.parts()["adam"]
        assert isinstance(adam, torch.optim.Adam)
        rates.append(adam.param_groups[0]["lr"] / adam.param_groups[0]["initial_lr"])
    assert rates == pytest.approx([0.01, 0.97, 0.52, 0.02], abs=0.01)


def test_a_resumed_phase_equals_an_uninterrupted_one(make_phase: MakePhase, tmp_path: Path) -> None:
    whole = make_phase(CONFIG)
    list(run_phase(whole, tmp_path / "whole", asdict(CONFIG), lambda: False))
    first = make_phase(CONFIG)
    list(run_phase(first, tmp_path / "parts", asdict(CONFIG), lambda: first.step == 2))
    assert not first.is_done
    second = make_phase(CONFIG)
    frames = list(run_phase(second, tmp_path / "parts", asdict(CONFIG), lambda: False))
    assert [frame.step for frame in frames] == [3, 4]
    for name, part in whole.parts().items():
        if isinstance(part, torch.nn.Module):
            other = second.parts()[name]
            assert isinstance(other, torch.nn.Module)
            for key, tensor in part.state_dict().items():
                torch.testing.assert_close(tensor, other.state_dict()[key], msg=f"{name} {key}")


def test_a_diverged_phase_says_so_and_keeps_its_last_good_state(
    make_phase: MakePhase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(phase_module, "SAVE_EVERY_SECONDS", -1)
    phase = make_phase(CONFIG)
    frames = run_phase(phase, tmp_path, asdict(CONFIG), lambda: False)
    next(frames)
    monkeypatch.setattr(phase, "update", lambda rng: {"pixels": float("nan")})
    with pytest.raises(ConfigError, match=f"prior's {phase.name} diverged at step 2"):
        list(frames)
    again = make_phase(CONFIG)
    again.load(tmp_path, asdict(CONFIG))
    assert again.step == 1


@pytest.mark.parametrize("steps", [1, 5, 9, 13])  # in every phase
def test_a_training_that_is_left_goes_on_as_if_it_had_not_been(
    steps: int,
    whole: PriorTraining,
    tmp_path: Path,
    images: Tensor,
    features: FaceFeatures,
    compute: Compute,
) -> None:
    left, other = (PriorTraining(CONFIG, images, features, compute, tmp_path) for _ in range(2))
    frames = left.run(minutes=5)
    for _ in range(steps):
        next(frames)
    frames.close()
    assert len(list(other.run(minutes=5))) == 16 - steps
    assert whole.prior is not None
    assert other.prior is not None
    for name, tensor in whole.prior.state_dict().items():
        torch.testing.assert_close(tensor, other.prior.state_dict()[name], msg=name)


def test_states_go_on_with_the_same_settings_photos_and_features_alone(
    whole: PriorTraining,
    tmp_path: Path,
    images: Tensor,
    features: FaceFeatures,
    compute: Compute,
) -> None:
    shutil.copytree(whole.directory, tmp_path, dirs_exist_ok=True)
    others = FaceFeatures(CompactResNet(8, width=4, stem_stride=1))
    for config, photos, seen in (
        (replace(CONFIG, seed=1), images, features),
        (CONFIG, images.flip(3), features),
        (CONFIG, images, others),
    ):
        with pytest.raises(CheckpointError, match="other settings or data"):
            list(PriorTraining(config, photos, seen, compute, tmp_path).run(minutes=5))
    # What was learnt from a lost state is learnt again.
    (tmp_path / "prior_mapping.safetensors").unlink()
    again = PriorTraining(CONFIG, images, features, compute, tmp_path)
    phases = {frame.phase for frame in again.run(minutes=5)}
    assert phases == {"mapping", "restoration", "distillation"}


def test_photos_that_teach_nothing_make_no_broken_prior(
    tmp_path: Path, images: Tensor, features: FaceFeatures, compute: Compute
) -> None:
    with pytest.raises(DataError, match="1 photos are too few"):
        PriorTraining(CONFIG, images[:1], features, compute, tmp_path)
    alike = images[:1].expand(10, -1, -1, -1)
    training = PriorTraining(CONFIG, alike, features, compute, tmp_path)
    list(training.run(minutes=5))
    assert training.prior is not None
    assert all(tensor.isfinite().all() for tensor in training.prior.state_dict().values())


def test_a_sitting_of_no_time_ends_the_training_where_it_is(
    tmp_path: Path, images: Tensor, features: FaceFeatures, compute: Compute
) -> None:
    training = PriorTraining(CONFIG, images, features, compute, tmp_path)
    assert list(training.run(minutes=0)) == []
    assert training.prior is None
    phases = {frame.phase for frame in training.run(minutes=5)}
    assert phases == {"autoencoder", "mapping", "restoration", "distillation"}
    assert training.prior is not None
    assert training.prior.resolution == 32
    assert training.images_seen == 80 + 64 + 48
    # Once it is done, it is done.
    again = PriorTraining(CONFIG, images, features, compute, tmp_path)
    assert list(again.run(minutes=5)) == []
    assert again.prior is not None
    style = torch.randn(2, 8)
    drawn = training.prior.synthesize(style), again.prior.synthesize(style)
    torch.testing.assert_close(*drawn)


def test_settling_the_styles_changes_no_picture(
    images: Tensor, features: FaceFeatures, compute: Compute
) -> None:
    phase = AutoencoderPhase(CONFIG, images, features, compute)
    for _ in range(2):
        phase.train_step()
    base = phase.average
    codes = codes_of(phase.encoder_average, images, compute)
    before = base.synthesize(codes, noise=False)
    settled = settle_styles(base, codes).codes
    after = base.synthesize(settled, noise=False)
    torch.testing.assert_close(after, before, atol=1e-3, rtol=1e-3)
    assert settled.mean(dim=0).abs().max() < 1e-3
    assert settled.std(dim=0) == pytest.approx(1, abs=1e-3)


def test_the_feature_network_is_never_trained(make_phase: MakePhase, features) -> None:
    before = {name: tensor.clone() for name, tensor in features.state_dict().items()}
    phase = make_phase(CONFIG)
    for _ in range(3):
        phase.train_step()
    for name, tensor in features.state_dict().items():
        assert torch.equal(tensor, before[name]), name
    assert not features.train().network.training


def test_the_restorer_begins_as_bicubic_enlargement() -> None:
    picture = torch.rand(2, 3, 16, 16) * 2 - 1
    larger = F.interpolate(picture, scale_factor=2, mode="bicubic", align_corners=False)
    torch.testing.assert_close(Restorer()(picture), larger)


def test_degraded_photos_are_half_as_large_softer_and_like_them(images: Tensor) -> None:
    photos = images.float() / 127.5 - 1
    rng = torch.Generator().manual_seed(0)
    noisy = photos + 0.3 * torch.randn(photos.shape, generator=rng)
    halved, degraded = F.avg_pool2d(noisy, 2), degrade(noisy, rng)
    assert degraded.shape == (20, 3, 16, 16)
    assert not torch.equal(degraded[0], degrade(noisy, rng)[0])  # another way each time
    error = (degraded - F.avg_pool2d(photos, 2)).abs().mean()
    assert 0.01 < error < 0.3
    steps = [(x[..., 1:] - x[..., :-1]).abs().mean() for x in (degraded, halved)]
    assert steps[0] < steps[1]


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
    assert colour_error(image + 0.1, image) < 1e-6  # brightness is no colour
    assert colour_error(image.flip(1), image) > 0.1


def test_energy_distance_tells_distributions_apart() -> None:
    rng = torch.Generator().manual_seed(0)
    # The same: no bias. Counting each point's distance to itself would give 0.15.
    few = [energy_distance(*torch.randn(2, 20, 4, generator=rng)) for _ in range(200)]
    assert abs(torch.stack(few).mean()) < 0.03
    a, b = (torch.randn(1500, 4, generator=rng) for _ in range(2))
    assert energy_distance(a, b + 1) > 0.5
    assert energy_distance(a, 2 * b) > 0.1


def test_critics_judge_patches_of_one_size_whatever_the_channels_scale(features) -> None:
    stages = [100 * stage for stage in features(torch.rand(4, 3, 32, 32))[:3]]
    critics = PatchCritics([stage.shape[1] for stage in stages]).eval()
    critics.learn_scale(stages)
    verdicts = critics(stages)
    assert [tuple(verdict.shape) for verdict in verdicts] == [(4, 64), (4, 16), (4, 16)]
    larger = [7 * stage + 3 for stage in stages]
    critics.learn_scale(larger)
    for one, other in zip(verdicts, critics(larger), strict=True):
        torch.testing.assert_close(one, other, atol=0.1, rtol=0.1)


def test_a_size_out_of_range_is_refused() -> None:
    for size in (16, 60):
        with pytest.raises(ConfigError, match="power of two from 32"):
            PriorConfig(resolution=size)
