"""Identity losses against the reference's values."""

from __future__ import annotations

import pytest
import torch

from mia_demo.attack.losses import LOSSES, max_margin_loss, poincare_loss

# Logits, target, distance in float64, in float32: rounding of 1 - 0.9999^2 shows.
GOLDEN = [
    ([10, 1, 1, 1], 0, 8.19869, 8.19847),
    ([1, 10, 1, 1], 0, 11.21911, 11.21890),
    ([5, -5, 0, 0], 0, 9.90344, 9.90322),
    ([1, 1, 1, 1], 0, 9.90344, 9.90322),
    ([-4, 2, 1, 1], 0, 11.17640, 11.17619),
]


@pytest.mark.parametrize(("logits", "target", "double", "single"), GOLDEN)
def test_poincare_distance_of_the_reference(logits, target, double, single) -> None:
    values = torch.tensor([logits], dtype=torch.float64)
    assert poincare_loss(values, target).item() == pytest.approx(double, abs=1e-5)
    assert poincare_loss(values.float(), target).item() == pytest.approx(single, abs=2e-4)


def test_poincare_distance_of_ordinary_logits() -> None:
    a = torch.tensor([[2.0, 1.0, 0.0, -1.0]], dtype=torch.float64)
    assert poincare_loss(a, 0).item() == pytest.approx(9.392612, abs=1e-5)
    b = torch.full((1, 4), 0.5, dtype=torch.float64)
    assert poincare_loss(b, 3).item() == pytest.approx(9.903438, abs=1e-5)


@pytest.mark.parametrize(
    "logits", [[7.0, 0, 0, 0], [0.0, 7, 0, 0], [0.0, 0, 0, 0], [1e30, 1, 1, 1]]
)
def test_poincare_loss_and_gradient_stay_finite_at_the_rim(logits: list[float]) -> None:
    values = torch.tensor([logits], requires_grad=True)
    loss = poincare_loss(values, 0)
    loss.sum().backward()
    assert torch.isfinite(loss).all()
    assert values.grad is not None
    assert torch.isfinite(values.grad).all()


@pytest.mark.parametrize("name", LOSSES)
def test_every_loss_falls_when_the_target_logit_rises(name: str) -> None:
    low, high = torch.tensor([[1.0, 2.0, 0.5]]), torch.tensor([[4.0, 2.0, 0.5]])
    assert LOSSES[name](high, 0).item() < LOSSES[name](low, 0).item()


def test_margin_ignores_the_target_among_the_others() -> None:
    assert max_margin_loss(torch.tensor([[5.0, 2.0, 3.0]]), 0).item() == -2.0
