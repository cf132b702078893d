"""The two-dimensional example reproduces the paper's figure to all printed digits."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from mia_demo.toy import build_network, landscape, measure_walk, run_toy


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
    walk = result.walk
    assert walk.steps == steps
    assert walk.is_confident
    assert round(walk.distance, 2) == distance
    assert walk.path[0] == (-3.0, -10.0)
    # The step that reached the goal is followed by one more.
    assert walk.confidences[-3] <= 0.95 < walk.confidences[-2]
    assert len(walk.path) == len(walk.confidences) == steps + 2


def test_the_network_leaves_the_global_generator_alone_and_does_not_depend_on_it() -> None:
    torch.manual_seed(1)
    weights = build_network()[0].weight
    torch.manual_seed(2)
    assert torch.equal(build_network()[0].weight, weights)


def test_landscape_is_what_the_network_says_at_each_place() -> None:
    network = build_network().train()
    plane = landscape(network, 30)
    assert network.training
    assert plane.shape == (30, 30, 3)
    assert np.allclose(plane.sum(axis=2), 1)
    # Cells are one unit wide: row 0 is the top, its middle lies at 14.5.
    with torch.no_grad():
        there = network.eval()(torch.tensor([[-14.5, 14.5], [3.5, -7.5]])).softmax(dim=1)
    assert np.allclose(plane[0, 0], there[0], atol=1e-6)
    assert np.allclose(plane[22, 18], there[1], atol=1e-6)


def test_a_walk_that_never_gets_sure_counts_every_step(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mia_demo.toy.ATTACK_STEPS", 50)

    class Unsure(torch.nn.Module):
        def forward(self, points: torch.Tensor) -> torch.Tensor:
            return torch.zeros(len(points), 3) + 0 * points.sum()

    walk = measure_walk(Unsure(), (1.0, 2.0))
    assert (walk.steps, walk.is_confident) == (50, False)
    assert walk.path[-1] == (1.0, 2.0)
