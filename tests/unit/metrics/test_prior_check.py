"""Measurements of a prior, on priors whose answer is known."""

from __future__ import annotations

import pytest
import torch

from mia_demo.metrics.prior_check import (
    first_occurrences,
    multiscale_error,
    near_copies,
    project,
)
from mia_demo.metrics.prior_quality import sample_images
from mia_demo.models.classifiers import CompactResNet
from mia_demo.models.features import FaceFeatures
from mia_demo.models.stylegan2 import Generator
from mia_demo.system.device import Compute


def test_copies_of_training_images_are_noticed() -> None:
    torch.manual_seed(0)
    train, held_out = torch.randn(200, 8), torch.randn(200, 8)
    new_people = torch.randn(1000, 8)
    assert near_copies(new_people, held_out, train) < 0.05
    copies = train.repeat(5, 1) + 1e-3 * torch.randn(1000, 8)
    assert near_copies(copies, held_out, train) == 1
    half = torch.cat([copies[:500], new_people[:500]])
    assert near_copies(half, held_out, train) == pytest.approx(0.5, abs=0.03)


def test_a_picture_of_the_prior_is_projected_onto_itself(
    compute: Compute, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mia_demo.metrics.prior_check.PROJECTION_STEPS", 150)
    torch.manual_seed(0)
    generator = Generator(z_dim=8, w_dim=8, resolution=16, channel_base=128, mapping_layers=2)
    features = FaceFeatures(CompactResNet(8, width=4, stem_stride=1))
    own = sample_images(generator, 3, compute, seed=1)
    lines: list[str] = []
    drawn, error = project(generator, features, own, compute, log=lines.append)
    _, start = project(generator, features, own.flip(0), compute, log=lines.append)
    away = (drawn.float() - own.float()).abs().mean()
    mixed_up = (drawn.flip(0).float() - own.float()).abs().mean()
    assert away < 0.5 * mixed_up
    assert error == pytest.approx(start)  # batch order does not matter
    assert lines[0] == "projected 3 of 3"


def test_errors_by_hand() -> None:
    wanted = torch.zeros(1, 3, 8, 8)
    assert multiscale_error(wanted + 0.5, wanted).item() == pytest.approx(4 * 0.25)
    checks = torch.ones(8, 8)
    checks[::2, 1::2] = checks[1::2, ::2] = -1
    # A checkerboard is an error in full size only: its averages are those of grey.
    assert multiscale_error(checks.expand(1, 3, 8, 8), wanted).item() == pytest.approx(1)


def test_first_images() -> None:
    assert first_occurrences(torch.tensor([4, 4, 2, 9, 2])).tolist() == [2, 0, 3]
