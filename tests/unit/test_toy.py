"""The two-dimensional example reproduces the paper's figure to all printed digits."""

from __future__ import annotations

import pytest
import torch

from mia_demo.toy import run_toy


@pytest.mark.parametrize(
    ("alpha", "final_loss", "steps", "distance"),
    [(0.0, 0.0021, 763, 3.23), (0.05, 0.1698, 3113, 0.65), (-0.05, -1.7280, 53, 6.75)],
)
def test_toy_example(alpha: float, final_loss: float, steps: int, distance: float) -> None:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # tiny matrices: threads only get in each other's way
    try:
        result = run_toy(alpha)
    finally:
        torch.set_num_threads(threads)
    assert round(result.final_loss, 4) == final_loss
    assert result.steps == steps
    assert round(result.distance, 2) == distance
    assert result.path[0] == (-3.0, -10.0)
