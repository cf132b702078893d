"""The page on ZeroGPU, with the real ``spaces`` package and a stand-in of what lends the GPUs."""

from __future__ import annotations

from typing import Any

import pytest
from gradio_client.exceptions import AppError

from mia_demo.attack.attack import Attacker
from mia_demo.attack.config import PRESETS, preset_config
from mia_demo.zoo import Zoo
from tests.tiny_zoo import COMPUTE
from tests.zero.conftest import Space
from tests.zero.device_api import POOR

ADA, BOB = "e30.e30.ada", "e30.e30.bob"


def attack(space: Space, token: str, *arguments: Any) -> list[dict[str, Any]]:
    return list(space.visitor(token).submit(*arguments, api_name="/attack"))


def test_an_attack_streams_from_the_worker_and_is_that_of_any_other_machine(space: Space) -> None:
    boards = attack(space, ADA, 1, "quick", 5)
    steps = [board["step"] for board in boards if board["stage"] == "optimisation"]
    assert steps == list(range(1, PRESETS["quick"]["steps"] + 1))
    lanes = ("positive", "zero", "negative")
    config = preset_config("quick", identity=1, seed=5, lanes=lanes)
    *_, last = Attacker(Zoo(space.zoo), COMPUTE).run(config)
    assert [lane["target_confidence"] for lane in boards[-1]["lanes"]] == pytest.approx(
        [lane.target_confidence for lane in last.lanes]
    )
    # It was the visitor's own quota, and the next request knows how little is needed.
    loan = space.api.loans[-1]
    assert (loan.token, loan.seconds) == (ADA, 60)
    assert loan.is_over.is_set()
    attack(space, ADA, 1)
    assert space.api.loans[-1].seconds < 30
