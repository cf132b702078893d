"""Results and sweeps through gradio_client, as other programs use them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from gradio_client import Client
from gradio_client.exceptions import AppError

from tests.conftest import TINY_ATTACK


@pytest.fixture
def client(app_url: str) -> Iterator[Any]:
    client = Client(app_url, verbose=False, download_files=False)
    yield client
    client.close()


def test_recorded_results_are_there_with_their_record(client: Any) -> None:
    results = client.predict(api_name="/results")
    assert results["key"] == "results/standard"
    assert results["key"] in results["available"]
    assert [row["lane"] for row in results["rows"]] == ["positive", "zero", "negative"]
    assert results["record"]["commit"]
    record = results["record"]
    assert len(results["attacks"]["zero"]) == len(record["identities"]) * len(record["seeds"])


def test_a_sweep_streams_progress_goes_on_and_leaves_results(client: Any) -> None:
    sweep = ("11,12", "0", "quick", ["zero"], "", TINY_ATTACK)
    views = list(client.submit(*sweep, api_name="/sweep"))
    assert [view["done"] for view in views] == sorted(view["done"] for view in views)
    last = views[-1]
    assert (last["phase"], last["done"], last["total"]) == ("done", 2, 2)
    results = client.predict(last["key"], api_name="/results")
    assert results["record"]["identities"] == [11, 12]
    assert [row["lane"] for row in results["rows"]] == ["zero"]
    # The same again: nothing is attacked twice.
    again = list(client.submit(*sweep, api_name="/sweep"))
    assert again[0]["done"] == 2
    assert again[-1]["key"] == last["key"]
    assert (
        client.predict(last["key"], api_name="/results")["record"]["seconds"]
        == (results["record"]["seconds"])
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("5,100",), "Identity 100 does not exist; choose from 0 to 99."),
        (("0-99", "0-99"), "10000 attacks are too many for this page"),
        (("0-99999999999",), "names more than 10000 numbers"),
        (("1", "9999999999"), "Seeds go up to 2147483647"),
        (("1", "0", "slow"), "No preset 'slow'"),
        (("1", "0", "quick", ["up"]), "No lane 'up'; this zoo has positive, zero, negative"),
        (("../x",), "is not a list such as 0-9,17"),
    ],
)
def test_wrong_request_gets_one_sentence(
    client: Any, arguments: tuple[Any, ...], message: str
) -> None:
    with pytest.raises(AppError, match=message.replace(".", r"\.")):
        client.predict(*arguments, api_name="/sweep")


def test_unknown_results_get_one_sentence(client: Any) -> None:
    with pytest.raises(AppError, match="There are no results 'runs/none'"):
        client.predict("runs/none", api_name="/results")
