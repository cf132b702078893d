"""The loss and the schedule against the paper's numbers."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch

from mia_demo.errors import ConfigError
from mia_demo.smoothing import alpha_at_epoch, smoothed_labels, smoothing_loss

A = torch.tensor([[2.0, 1.0, 0.0, -1.0]])
B = torch.tensor([[0.5, 0.5, 0.5, 0.5]])


@pytest.mark.parametrize(
    ("alpha", "expected"),
    [(0, 0.44019), (0.1, 0.59019), (0.05, 0.51519), (-0.05, 0.36519), (-0.1, 0.29019),
     (-0.3, -0.00981)],
)  # fmt: skip
def test_loss_has_the_reference_values(alpha: float, expected: float) -> None:
    assert smoothing_loss(A, torch.tensor([0]), alpha).item() == pytest.approx(expected, abs=1e-5)
    assert smoothing_loss(B, torch.tensor([3]), alpha).item() == pytest.approx(1.386294, abs=1e-5)


def test_gradient_is_softmax_minus_smoothed_label() -> None:
    logits = torch.cat([A, B]).requires_grad_(True)
    labels = torch.tensor([0, 3])
    # The batch mean halves each row's gradient.
    (2 * smoothing_loss(logits, labels, -0.05)).backward()
    expected = torch.tensor(
        [[-0.393586, 0.249383, 0.099644, 0.044559], [0.2625, 0.2625, 0.2625, -0.7875]]
    )
    assert logits.grad is not None
    torch.testing.assert_close(logits.grad, expected, atol=1e-6, rtol=0)
    formula = logits.detach().softmax(1) - smoothed_labels(labels, 4, -0.05)
    torch.testing.assert_close(logits.grad, formula)


def test_negative_zero_and_positive_factors_differ() -> None:
    """torch's own argument silently treats negative factors as zero; ours must not."""
    losses, gradients = [], []
    for alpha in (-0.05, 0.0, 0.05):
        logits = A.clone().requires_grad_(True)
        loss = smoothing_loss(logits, torch.tensor([0]), alpha)
        loss.backward()
        losses.append(loss.item())
        gradients.append(logits.grad)
    assert len(set(losses)) == 3
    assert not torch.equal(gradients[0], gradients[1])
    assert not torch.equal(gradients[1], gradients[2])


def test_loss_does_not_depend_on_how_often_the_batch_is_repeated() -> None:
    labels = torch.tensor([0])
    once = smoothing_loss(A, labels, -0.05)
    many = smoothing_loss(A.repeat(64, 1), labels.repeat(64), -0.05)
    torch.testing.assert_close(once, many)


def test_smoothed_labels_of_the_paper() -> None:
    torch.testing.assert_close(
        smoothed_labels(torch.tensor([0]), 3, 0.3), torch.tensor([[0.8, 0.1, 0.1]])
    )
    torch.testing.assert_close(
        smoothed_labels(torch.tensor([0]), 3, -0.3), torch.tensor([[1.2, -0.1, -0.1]])
    )
    facescrub = smoothed_labels(torch.tensor([0]), 530, -0.05)[0]
    assert facescrub[0].item() == pytest.approx(1.049906, abs=1e-6)
    assert facescrub[1].item() == pytest.approx(-9.434e-5, abs=1e-8)


@pytest.mark.parametrize(
    ("epoch", "expected"),
    [(0, 0), (49, 0), (50, -0.001), (51, -0.002), (60, -0.011), (73, -0.024), (74, -0.025),
     (75, -0.05), (99, -0.05)],
)  # fmt: skip
def test_schedule_of_the_reference_code(epoch: int, expected: float) -> None:
    assert alpha_at_epoch(-0.05, epoch, 100) == pytest.approx(expected)


@pytest.mark.parametrize("epochs", [1, 2, 3, 4, 5, 10, 24, 50, 101])
def test_schedule_reaches_the_full_factor_in_runs_of_any_length(epochs: int) -> None:
    alphas = [alpha_at_epoch(-0.05, epoch, epochs) for epoch in range(epochs)]
    assert alphas[-1] == -0.05
    assert alphas == sorted(alphas, reverse=True)
    assert all(alpha == 0 for alpha in alphas[: min(epochs // 2, epochs - 1)])
    assert all(alpha in (-0.05,) or alpha >= -0.025 for alpha in alphas)


def test_schedule_with_earlier_phases_keeps_its_shape() -> None:
    alphas = [alpha_at_epoch(-0.1, epoch, 20, (0.2, 0.4)) for epoch in range(20)]
    assert alphas == pytest.approx([0.0] * 4 + [-0.0125, -0.025, -0.0375, -0.05] + [-0.1] * 12)


def test_positive_factors_hold_from_the_start() -> None:
    assert [alpha_at_epoch(0.1, epoch, 3) for epoch in range(3)] == [0.1] * 3


@pytest.mark.parametrize("alpha", [1.5, math.inf, -math.inf, math.nan])
def test_factors_above_one_or_not_finite_are_refused(alpha: float) -> None:
    with pytest.raises(ConfigError, match="at most 1"):
        smoothing_loss(A, torch.tensor([0]), alpha)


def test_epochs_outside_the_training_are_refused() -> None:
    with pytest.raises(ConfigError, match="outside"):
        alpha_at_epoch(0.1, 5, 5)


def test_nobody_uses_torchs_own_argument() -> None:
    package = Path(__file__).parents[2] / "mia_demo"
    users = [p for p in package.rglob("*.py") if "label_smoothing=" in p.read_text("utf-8")]
    assert users == []
