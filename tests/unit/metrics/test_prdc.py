"""Precision, recall, density, coverage by hand and against a plain reading of the definitions."""

from __future__ import annotations

import pytest
import torch

from mia_demo.errors import ConfigError
from mia_demo.metrics.prdc import Prdc, mean_prdc, prdc


def line(*values: float) -> torch.Tensor:
    return torch.tensor([[value] for value in values])


def test_by_hand_on_a_line() -> None:
    # One neighbour: real radii 1, 1, 2; fake radii 1.5, 1.5.
    real, fake = line(0, 1, 3), line(0.5, 2)
    # In real balls: 0.5 lies in those of 0 and 1; 2 lies in that of 3 (distance 1 < 2).
    # In fake balls: 0 and 1 lie in that of 0.5; 1 and 3 in that of 2.
    got = prdc(real, fake, neighbours=1)
    assert got == Prdc(precision=1.0, recall=1.0, density=1.5, coverage=1.0)


def test_far_away_clouds_share_nothing() -> None:
    got = prdc(line(0, 1, 2, 3, 4), line(100, 101, 102, 103))
    assert got == Prdc(0, 0, 0, 0)


def test_a_collapsed_generator_is_precise_but_covers_little() -> None:
    got = prdc(line(*range(20)), line(5.0, 5.001, 5.002, 5.003))
    assert got.precision == 1
    assert got.recall < 0.1
    assert got.coverage < 0.4


def test_against_loops() -> None:
    torch.manual_seed(0)
    real, fake, k = torch.randn(30, 4), torch.randn(20, 4) * 0.8, 3

    def radius(points: torch.Tensor, index: int) -> float:
        distances = sorted(
            (points[index] - other).norm().item()
            for position, other in enumerate(points)
            if position != index
        )
        return distances[k - 1]

    inside = [[(r - f).norm().item() < radius(real, i) for f in fake] for i, r in enumerate(real)]
    reached = [[(r - f).norm().item() < radius(fake, j) for j, f in enumerate(fake)] for r in real]
    got = prdc(real, fake, k)
    assert got.precision == pytest.approx(sum(any(c) for c in zip(*inside, strict=True)) / 20)
    assert got.recall == pytest.approx(sum(any(row) for row in reached) / 30)
    assert got.density == pytest.approx(sum(sum(row) for row in inside) / (k * 20))
    assert got.coverage == pytest.approx(sum(any(row) for row in inside) / 30)


def test_too_few_images_are_refused() -> None:
    with pytest.raises(ConfigError, match="more than 3 images on each side, not 3"):
        prdc(torch.randn(10, 2), torch.randn(3, 2))


def test_mean_over_identities() -> None:
    assert mean_prdc([Prdc(0, 1, 2, 0), Prdc(1, 0, 0, 1)]) == Prdc(0.5, 0.5, 1.0, 0.5)


def test_a_mean_over_nobody_is_refused() -> None:
    with pytest.raises(ConfigError, match="at least 1 identity"):
        mean_prdc([])
