"""Metrics against numbers worked out by hand, and the judge on real pictures."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from mia_demo.errors import ConfigError
from mia_demo.metrics.frechet import frechet_distance
from mia_demo.metrics.judge import squared_distances
from mia_demo.sweep.judging import Judge
from mia_demo.system.device import Compute
from mia_demo.zoo.reading import Zoo


def test_squared_distances_by_hand() -> None:
    left = torch.tensor([[0.0, 0.0], [1.0, 1.0]])
    right = torch.tensor([[3.0, 4.0], [1.0, 0.0], [0.0, 0.0]])
    assert squared_distances(left, right).tolist() == [[25.0, 1.0, 0.0], [13.0, 1.0, 2.0]]


def test_frechet_distance_by_hand() -> None:
    square = torch.tensor([[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]])
    assert frechet_distance(square, square) == pytest.approx(0, abs=1e-6)
    # A shift by (3, 4) adds 25. Doubling the spread: variances v and 4v, sum of
    # v + 4v - 2 sqrt(4 v^2) = v a dimension, with v = 4/3.
    assert frechet_distance(square, square + torch.tensor([3.0, 4.0])) == pytest.approx(25)
    assert frechet_distance(square, 2 * square) == pytest.approx(2 * 4 / 3)


def test_frechet_distance_refuses_too_few_samples() -> None:
    with pytest.raises(ConfigError, match="more than 8 samples"):
        frechet_distance(torch.randn(8, 8), torch.randn(100, 8))


def test_the_judge_recognises_real_test_photos(zoo: Zoo, compute: Compute) -> None:
    judge = Judge(zoo, compute)
    people = zoo.identities()
    photos, _ = people.tensors(64, labels=[7], indices=range(48, 60))
    pictures = photos.permute(0, 2, 3, 1).contiguous().numpy()
    right, wrong = judge.judge(pictures, 7), judge.judge(pictures, 23)
    assert right.acc1 >= 0.9
    assert wrong.acc1 == 0
    assert right.delta_eval < wrong.delta_eval
    assert right.delta_face < wrong.delta_face
    assert all(0 <= index < 48 for index in right.nearest)


def test_a_training_photo_is_its_own_nearest(zoo: Zoo, compute: Compute) -> None:
    photo, _ = zoo.identities().tensors(64, labels=[7], indices=[5])
    verdict = Judge(zoo, compute).judge(photo.permute(0, 2, 3, 1).contiguous().numpy(), 7)
    assert verdict.nearest == (5,)
    assert verdict.delta_face == pytest.approx(0, abs=1e-4)


def test_no_reconstructions_are_no_verdict(zoo: Zoo, compute: Compute) -> None:
    with pytest.raises(ConfigError, match="at least 1 reconstruction"):
        Judge(zoo, compute).judge(np.empty((0, 64, 64, 3), np.uint8), 7)
