"""The two-dimensional example as the page asks for it."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import numpy as np
import pytest
from gradio.context import LocalContext
from starlette.requests import Request

from mia_demo.errors import ConfigError
from mia_demo.ui.engine import who_asks
from mia_demo.ui.engine.device_queue import MAX_LOOKS_PER_SESSION, BusyError, Ticket
from mia_demo.ui.engine.toy_lab import CELLS, MAX_NETWORKS, SNAPSHOT_STEPS, ToyLab
from mia_demo.ui.shared.components import component


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


def test_a_start_outside_the_plane_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mia_demo.toy.TRAINING_STEPS", 1)
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


def asking(session: str, address: str) -> Request:
    """A request for a component's function, as Gradio and our guards hand it over."""
    scope = {"type": "http", "headers": [(b"host", b"demo.example")], "client": (address, 1)}
    return Request({**scope, who_asks.SESSION: session})


@contextmanager
def asked_by(request: Request) -> Iterator[None]:
    token = LocalContext.request.set(request)
    try:
        yield
    finally:
        LocalContext.request.reset(token)


def test_trainings_count_for_the_visitor_who_asks() -> None:
    lab = ToyLab()
    lab._queue.draw(Ticket("another training"))  # nothing computes meanwhile
    try:
        with asked_by(asking("ada", "203.0.113.5")):
            for number in range(MAX_LOOKS_PER_SESSION):
                assert lab.train(number / 100, 0)["is_waiting"]
            with pytest.raises(BusyError, match="Others wait"):
                lab.train(0.3, 0)
            assert lab.train(0.0, 0)["is_waiting"]  # one that is there already
        with asked_by(asking("bob", "203.0.113.6")):
            assert lab.train(0.3, 0)["is_waiting"]
    finally:
        for training in lab._trainings.values():
            training.job.stop()


def test_an_address_has_so_many_calls_at_once() -> None:
    explorer = component(
        "understand/toy_explorer", server={"walk": lambda alpha: {"walked": alpha}}
    )
    with ExitStack() as running:
        with asked_by(asking("ada", "203.0.113.5")):
            for _ in range(who_asks.MAX_CALLS_PER_ADDRESS):
                running.enter_context(who_asks.CALLS.counted())
            assert "Too many requests from your network" in explorer.walk(0)["error"]
        with asked_by(asking("bob", "203.0.113.6")):
            assert explorer.walk(0) == {"walked": 0}
        assert explorer.walk(0) == {"walked": 0}  # the owner
    with asked_by(asking("ada", "203.0.113.5")):
        assert explorer.walk(0) == {"walked": 0}
