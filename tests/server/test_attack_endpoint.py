"""The attack through gradio_client, as other programs call it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from gradio_client import Client
from gradio_client.exceptions import AppError

from mia_demo.attack.config import PRESETS
from mia_demo.attack.frames import STAGES
from mia_demo.attack.named import ATTACKS
from tests.conftest import TINY_ATTACK

LANES = ["positive", "zero", "negative"]
STEPS = 10


@pytest.fixture
def connect(app_url: str) -> Iterator[Any]:
    clients: list[Client] = []

    def new() -> Client:
        clients.append(Client(app_url, verbose=False, download_files=False))
        return clients[-1]

    yield new
    for client in clients:
        client.close()


@pytest.fixture(scope="module")
def two_visitors(app_url: str) -> Iterator[list[list[dict[str, Any]]]]:
    """The boards of a short attack, and of the one that another visitor wants meanwhile."""
    clients = [Client(app_url, verbose=False, download_files=False) for _ in range(2)]
    first = iter(clients[0].submit(7, settings=[f"steps={STEPS}"], api_name="/attack"))
    boards = [next(first)]
    second = clients[1].submit(8, "quick", settings=TINY_ATTACK, api_name="/attack")
    yield [boards + list(first), list(second)]
    for client in clients:
        client.close()


@pytest.fixture
def boards(two_visitors: list[list[dict[str, Any]]]) -> list[dict[str, Any]]:
    return two_visitors[0]


def test_every_frame_of_an_attack_arrives_in_order(boards: list[dict[str, Any]]) -> None:
    steps = [board["step"] for board in boards if board["stage"] == "optimisation"]
    stages = [STAGES.index(board["stage"]) for board in boards if board["stage"]]
    assert steps == list(range(1, STEPS + 1))
    assert stages == sorted(stages)
    assert boards[-1]["stage"] == "done"
    assert boards[-1]["phase"] == "done"


def test_frames_carry_pictures_and_verdicts_of_all_lanes(
    boards: list[dict[str, Any]],
) -> None:
    for board in (boards[0], boards[-1]):
        assert [lane["name"] for lane in board["lanes"]] == LANES
        for lane in board["lanes"]:
            assert lane["picture"]["uri"].startswith("data:image/jpeg;base64,")
            assert "identity 7" in lane["picture"]["alt"]
            assert 0 <= lane["target_confidence"] <= 1
            assert lane["verdict"].endswith(f" identity {lane['evaluator_top1']}")


def test_last_frame_keeps_the_best_and_the_whole_curve(
    boards: list[dict[str, Any]],
) -> None:
    for lane in boards[-1]["lanes"]:
        assert 1 + sum(other is not None for other in lane["others"]) == PRESETS["quick"]["kept"]
        assert len(lane["confidence_curve"].split()) == STEPS
        # The first step has no step before it.
        assert len(lane["cosine_curve"].split()) == STEPS - 1


def test_chosen_lanes_only(connect: Any) -> None:
    board = connect().predict(3, "quick", 0, ["zero"], settings=TINY_ATTACK, api_name="/attack")
    assert [lane["name"] for lane in board["lanes"]] == ["zero"]


def test_another_attack_by_its_name_with_settings_of_its_own(connect: Any) -> None:
    settings = ["steps=5", "candidates=4"]
    board = connect().predict(3, "quick", 0, ["zero"], "mirror", settings, api_name="/attack")
    assert board["phase"] == "done"
    assert len(board["lanes"][0]["confidence_curve"].split()) == 5


def test_second_client_is_told_to_wait_and_then_served(
    two_visitors: list[list[dict[str, Any]]],
) -> None:
    first, second = two_visitors
    assert second[0]["phase"] == "waiting"
    assert second[0]["status"] == "Another attack is running; your attack starts next."
    assert second[-1]["phase"] == "done"
    assert first[-1]["phase"] == "done"


def test_cancelled_attack_frees_the_device(connect: Any) -> None:
    long = connect().submit(7, "paper", api_name="/attack")
    next(iter(long))
    assert long.cancel()
    assert connect().predict(8, settings=TINY_ATTACK, api_name="/attack")["phase"] == "done"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((100,), "Identity 100 does not exist; choose from 0 to 99."),
        ((7, "slow"), "No preset 'slow'; choose one of quick, standard, paper."),
        ((7, "quick", 0, []), "An attack needs at least one lane; name one, such as zero."),
        ((7, "quick", 0, ["up"]), "No lane 'up'; this zoo has positive, zero, negative"),
        (
            (7, "quick", 0, ["zero"], "magic"),
            f"No attack 'magic'; choose one of {', '.join(ATTACKS)}.",
        ),
    ],
)
def test_wrong_request_gets_one_sentence(
    connect: Any, arguments: tuple[Any, ...], message: str
) -> None:
    with pytest.raises(AppError, match=message.replace(".", r"\.")):
        connect().predict(*arguments, api_name="/attack")
