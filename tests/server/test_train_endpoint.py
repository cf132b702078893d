"""Training through gradio_client, and what comes of it on the other endpoints."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from gradio_client import Client
from gradio_client.exceptions import AppError

from mia_demo.zoo.folder import EMBEDDED_ZOO, FolderZoo
from tests.conftest import TINY_ATTACK

LANES = ["positive", "zero", "negative"]
ALL_LANES = FolderZoo(EMBEDDED_ZOO).target_names()


@pytest.fixture
def client(app_url: str) -> Iterator[Any]:
    client = Client(app_url, verbose=False, download_files=False)
    yield client
    client.close()


def test_a_classifier_is_trained_attacked_and_deleted(client: Any) -> None:
    boards = list(client.submit(0.2, 1, 2, seed=5, api_name="/train"))
    assert boards[0]["phase"] == "reading"
    last = boards[-1]
    assert (last["phase"], last["numbers"], last["alpha"]) == ("done", [1, 2], [0.2, 0.2])
    assert last["latest"]["target_mean"] == pytest.approx(last["target_mean"][-1], abs=1e-3)
    lanes = [last["name"], "zero"]
    board = client.predict(3, "quick", 0, lanes, settings=TINY_ATTACK, api_name="/attack")
    assert [lane["name"] for lane in board["lanes"]] == ["zero", last["name"]]
    assert board["phase"] == "done"
    attacks = ("3", "0", "quick", [last["name"]], "", TINY_ATTACK)
    sweep = client.predict(*attacks, api_name="/sweep")
    (row,) = client.predict(sweep["key"], api_name="/results")["rows"]
    assert (row["lane"], row["alpha"]) == (last["name"], 0.2)
    # Nobody gets it unasked.
    unasked = client.submit(3, api_name="/attack")
    assert [lane["name"] for lane in next(unasked)["lanes"]] == LANES
    unasked.cancel()
    assert client.predict(last["name"], api_name="/delete_classifier") == ALL_LANES
    with pytest.raises(AppError, match=f"No lane '{last['name']}'"):
        client.predict(3, "quick", 0, [last["name"]], api_name="/attack")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((2,), "α must lie between"),
        ((0.1, 0), "Photos of each person must be 1 to 48, not 0."),
        ((0.1, 8, 2, "early", "vgg16"), "No architecture 'vgg16'"),
    ],
)
def test_wrong_training_gets_one_sentence(
    client: Any, arguments: tuple[Any, ...], message: str
) -> None:
    with pytest.raises(AppError, match=message.replace(".", r"\.")):
        client.predict(*arguments, api_name="/train")


def test_what_came_with_the_demo_cannot_be_deleted(client: Any) -> None:
    with pytest.raises(AppError, match="There is no classifier 'zero' of your own"):
        client.predict("zero", api_name="/delete_classifier")
