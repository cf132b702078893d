"""The page on ZeroGPU, with the real ``spaces`` package and a stand-in of what lends the GPUs."""

from __future__ import annotations

import os
from typing import Any

import pytest
from gradio_client.exceptions import AppError

from mia_demo.attack.attack import Attacker
from mia_demo.attack.config import PRESETS, preset_config
from mia_demo.zoo.folder import FolderZoo
from tests.space.conftest import Space
from tests.space.device_api import POOR
from tests.tiny_zoo import COMPUTE

ADA, BOB = "e30.e30.ada", "e30.e30.bob"
LANES = ["positive", "zero", "negative"]


def attack(space: Space, token: str, *arguments: Any) -> list[dict[str, Any]]:
    return list(space.visitor(token).submit(*arguments, api_name="/attack"))


def confidences(board: dict[str, Any]) -> list[float]:
    return [lane["target_confidence"] for lane in board["lanes"]]


def test_an_attack_streams_from_the_worker_as_on_any_other_machine(space: Space) -> None:
    assert space.api.started.is_set()
    boards = attack(space, ADA, 1, "quick", 5)
    steps = [board["step"] for board in boards if board["stage"] == "optimisation"]
    assert steps == list(range(1, PRESETS["quick"]["steps"] + 1))
    config = preset_config("quick", identity=1, seed=5, lanes=tuple(LANES))
    *_, last = Attacker(FolderZoo(space.zoo), COMPUTE).run(config)
    expected = [lane.target_confidence for lane in last.lanes]
    assert confidences(boards[-1]) == pytest.approx(expected, abs=1e-4)
    # The worker is another process, and the visitor's own quota pays for it.
    loan = space.api.loans[-1]
    assert loan.token == ADA
    assert loan.is_over.wait(10)


def test_less_is_asked_for_once_the_speed_is_known(space: Space) -> None:
    attack(space, ADA, 1)
    attack(space, ADA, 1)
    assert space.api.loans[0].seconds == 60
    assert space.api.loans[-1].seconds < 20


def test_stop_reaches_the_worker_which_serves_the_next_visitor(space: Space) -> None:
    endless = space.visitor(ADA).submit(0, "paper", api_name="/attack")
    next(iter(endless))
    loan = space.api.loans[-1]
    assert endless.cancel()
    assert loan.is_over.wait(20)
    assert not loan.has_failed
    assert attack(space, BOB, 2)[-1]["phase"] == "done"
    workers = {loan.worker for loan in space.api.loans if loan.worker is not None}
    assert len(workers) == 1
    assert os.getpid() not in workers


def test_two_visitors_at_once_each_pay_for_their_own(space: Space) -> None:
    before = len(space.api.loans)
    first = space.visitor(ADA).submit(0, "paper", api_name="/attack")
    next(iter(first))
    second = iter(space.visitor(BOB).submit(1, api_name="/attack"))
    assert any(board["phase"] == "waiting" for board in second)  # up to the first that waits
    assert first.cancel()
    assert list(second)[-1]["phase"] == "done"
    assert [loan.token for loan in space.api.loans[before:]] == [ADA, BOB]
    assert space.api.most_at_once == 1


def test_a_used_up_quota_is_explained(space: Space) -> None:
    with pytest.raises(AppError, match=r"quota \(.*3s left\).*duplicate this Space"):
        space.visitor(POOR).predict(1, api_name="/attack")
    assert attack(space, ADA, 1)[-1]["phase"] == "done"


def test_the_worker_knows_what_was_trained_since_it_started(space: Space) -> None:
    *_, trained = space.visitor(ADA).submit(0.1, 2, 1, api_name="/train")
    assert trained["phase"] == "done"
    boards = attack(space, ADA, 1, "quick", 0, [trained["name"]])
    assert [lane["name"] for lane in boards[-1]["lanes"]] == ["own-1"]
    assert len({loan.worker for loan in space.api.loans if loan.worker}) == 1


def test_long_work_takes_turns_and_loses_nothing(space: Space) -> None:
    before = len(space.api.loans)
    *_, last = space.visitor(ADA).submit("0,1", "0,1", "standard", ["zero"], api_name="/sweep")
    assert last["phase"] == "done"
    turns = space.api.loans[before:]
    assert len(turns) > 1
    assert all(turn.is_over.is_set() and not turn.has_failed for turn in turns)
    results = space.visitor(ADA).predict(last["key"], api_name="/results")
    assert [row["lane"] for row in results["rows"]] == ["zero"]
