"""The two-dimensional example as the page asks for it."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np
import pytest

from mia_demo.errors import ConfigError
from mia_demo.ui.engine.toy_lab import CELLS, MAX_NETWORKS, SNAPSHOT_STEPS, ToyLab


def trained(lab: ToyLab, alpha: float) -> list[dict[str, Any]]:
    lab.train(alpha, 0)
    assert lab._trainings[alpha].job.wait(120)
    answer = lab.train(alpha, 0)
    assert answer["is_done"]
    snapshots: list[dict[str, Any]] = answer["snapshots"]
    return snapshots


def test_landscapes_come_while_the_network_learns_and_the_walk_is_the_papers() -> None:
    lab = ToyLab()
    first = lab.train(0.0, 0)
    assert not first["is_done"]
    with pytest.raises(ConfigError, match="still being trained"):
        lab.walk(0.0, -3.0, -10.0)
    snapshots = trained(lab, 0.0)
    assert tuple(snapshot["step"] for snapshot in snapshots) == SNAPSHOT_STEPS
    assert snapshots[-1]["loss"] == 0.0021
    # Grid of 100 x 100 cells in the paper's figure: 0.357.
    assert snapshots[-1]["unsure"] == pytest.approx(0.357, abs=0.01)
    # Only what is new.
    assert lab.train(0.0, len(snapshots) - 1)["snapshots"] == snapshots[-1:]
    walk = lab.walk(0, -3, -10)  # as JSON brings them
    assert (walk["steps"], walk["distance"], walk["is_confident"]) == (763, 3.23, True)
    assert walk["path"][0] == [-3.0, -10.0]
    assert walk["confidences"][0] < 0.01
    # The class that wins at a group's centre is that group's.
    plane = np.frombuffer(base64.b64decode(snapshots[-1]["plane"]), np.uint8)
    winners = plane.reshape(CELLS, CELLS, 2)[:, :, 0]
    cell = CELLS / 30
    for number, (x, y) in enumerate([(0, -10), (-10, 10), (10, 10)]):
        assert winners[int((15 - y) * cell), int((x + 15) * cell)] == number


@pytest.mark.parametrize("alpha", [-0.21, 0.31, float("nan")])
def test_a_factor_out_of_range_is_refused(alpha: float) -> None:
    with pytest.raises(ConfigError, match="smoothing factor lies between"):
        ToyLab().train(alpha, 0)


def test_a_start_outside_the_plane_is_refused() -> None:
    lab = ToyLab()
    trained(lab, 0.0)
    for x in (15.1, float("nan")):
        with pytest.raises(ConfigError, match="must lie between -15 and 15"):
            lab.walk(0.0, x, 0.0)


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mia_demo.toy.TRAINING_STEPS", 1)
    lab = ToyLab()
    for hundredths in [*range(MAX_NETWORKS + 5), 0]:
        lab.train(hundredths / 100, 0)
        assert lab._trainings[hundredths / 100].job.wait(30)
        assert len(lab._trainings) <= MAX_NETWORKS
