"""The Line-up page's requests, as Gradio hands them over."""

from __future__ import annotations

import time
from typing import Any
from urllib.parse import unquote
from xml.etree import ElementTree

import gradio as gr
import pytest
from gradio.context import LocalContext

from mia_demo.attack.config import preset_config
from mia_demo.system.device import choose_compute
from mia_demo.ui.engine.attack_news import Curves, FinishedAttack
from mia_demo.ui.engine.engine import Engine
from mia_demo.ui.engine.seats import SEAT_COOKIE
from mia_demo.ui.line_up.handlers import LineUpHandlers
from mia_demo.zoo.opening import open_zoo
from tests.server.line_up.play import LANES, dealt
from tests.server.visits import visit


def is_dealing(handlers: LineUpHandlers, key: str) -> bool:
    with handlers.rooms.hosted(key) as game:
        return game.is_dealing


@pytest.fixture(scope="module")
def handlers(tmp_path_factory: pytest.TempPathFactory) -> LineUpHandlers:
    runs = tmp_path_factory.mktemp("runs")
    return LineUpHandlers(Engine(open_zoo(), choose_compute("cpu"), runs))


@pytest.mark.parametrize(
    ("query", "leads_there"),
    [({"room": "AB12"}, True), ({"room": "AB12", "tab": "attack"}, False), ({}, False)],
)
def test_a_rooms_link_leads_to_the_vote_unless_it_names_a_tab(
    handlers: LineUpHandlers, query: dict[str, str], leads_there: bool
) -> None:
    tabs = handlers.invited(gr.Request(query_params=query))
    assert (getattr(tabs, "selected", None) == "line-up") is leads_there


def test_a_rooms_link_as_a_picture(handlers: LineUpHandlers) -> None:
    image = handlers.ask("qr", {"link": "http://10.0.0.17:7860/?room=<3ZEE>"})["image"]
    kind, svg = image.split(",", 1)
    assert kind == "data:image/svg+xml;charset=utf-8"
    root = ElementTree.fromstring(unquote(svg))  # noqa: S314
    # Version 3 has 29 modules a side, and four must stay white around them.
    assert root.get("viewBox") == "0 0 37 37"


def phone_asks(
    handlers: LineUpHandlers, number: int, what: str, message: dict[str, Any]
) -> dict[str, Any]:
    """As Gradio hands over the request of a phone with its cookie."""
    request = visit(cookie=f"{SEAT_COOKIE}=phone{number}")
    token = LocalContext.request.set(request)
    try:
        return handlers.ask(what, message)
    finally:
        LocalContext.request.reset(token)


def test_what_has_not_changed_is_not_sent_again(handlers: LineUpHandlers) -> None:
    key = dealt(handlers.rooms)
    view = handlers.ask("look", {"key": key})
    assert len(view["pictures"]["photos"]) == 8
    again = handlers.ask("look", {"key": key, "version": view["version"]})
    assert again == {"version": view["version"]}
    voted = handlers.ask(
        "vote", {"key": key, "name": view["name"], "position": 5, "pictures": view["name"]}
    )
    assert voted["mine"] == 5
    assert "pictures" not in voted
    code = handlers.ask("open", {"key": key})["code"]
    phones = [phone_asks(handlers, n, "join", {"code": code}) for n in range(2)]
    views = [phone_asks(handlers, n, "look", phone) for n, phone in enumerate(phones)]
    choice = {"name": view["name"], "position": 1}
    assert phone_asks(handlers, 0, "vote", {**phones[0], **choice})["mine"] == 1
    # The second phone need not know of the first one's vote.
    same = phone_asks(handlers, 1, "look", {**phones[1], "version": views[1]["version"]})
    assert same == {"version": views[1]["version"]}
    file = handlers.ask("csv", {"key": key})
    assert file["content"].count("\n") == 1  # nothing is revealed yet


@pytest.mark.parametrize(
    ("what", "message", "error", "gone"),
    [
        ("look", {"key": "x"}, "This game is over; deal new rounds.", True),
        ("join", {"code": "nope"}, "There is no such room; check the code", True),
        ("shout", {}, "sent an unknown request", False),
        ("look", None, "sent an unknown request", False),
        ("qr", {"link": "x" * 3000}, "sent an unknown request", False),
        ("vote", {"key": "x", "name": "y", "position": "z"}, "sent an unknown request", False),
    ],
)
def test_a_wrong_question_gets_one_sentence(
    handlers: LineUpHandlers, what: str, message: Any, error: str, gone: bool
) -> None:
    answer = handlers.ask(what, message)
    assert error in answer["error"]
    assert answer.get("gone", False) is gone


@pytest.mark.parametrize(
    ("rounds", "seed", "lanes", "message"),
    [
        (None, "", LANES, "Say how many rounds"),
        (13, "", LANES, "Deal 1 to 12 rounds at once, not 13."),
        (3, "x", LANES, "The seed must be a whole number"),
        (3, "-1", LANES, "The seed must lie in"),
        (3, "", [], "No lane is chosen"),
        (3, "", ["none"], "No lane 'none'"),
    ],
)
def test_a_wrong_form_gets_one_sentence(
    handlers: LineUpHandlers, rounds: Any, seed: str, lanes: list[str], message: str
) -> None:
    with pytest.raises(gr.Error, match=message):
        handlers.deal({}, rounds, seed, lanes)


@pytest.mark.usefixtures("brief_quick")
def test_recorded_rounds_come_with_controls_and_give_way_to_new_ones(
    handlers: LineUpHandlers,
) -> None:
    key = handlers.rooms.create()
    handlers.dealer.deal_recorded(key, seed=1)
    with handlers.rooms.hosted(key) as game:
        assert game.is_recorded
        assert game.expected + len(game.ballots) == 8
    assert handlers.deal({"key": key}, 1, "", ["zero"])["key"] != key


def test_a_visitors_own_attack_becomes_rounds(handlers: LineUpHandlers) -> None:
    request = gr.Request(session_hash="visitor")
    with pytest.raises(gr.Error, match="no finished attack yet"):
        handlers.deal_own({}, request)
    photo, _ = handlers.engine.identities.tensors(64, labels=[7], indices=[0])
    images = dict.fromkeys(LANES, photo.permute(0, 2, 3, 1).numpy())
    config = preset_config("quick", identity=7, seed=3)
    handlers.engine.finished_attacks.put("visitor", FinishedAttack(config, Curves({}, {}), images))
    key = handlers.deal_own({}, request)["key"]
    deadline = time.monotonic() + 60
    while is_dealing(handlers, key):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    with handlers.rooms.hosted(key) as game:
        shown = [ballot.line_up for ballot in game.ballots]
    assert sorted(one.lane for one in shown) == sorted(LANES)
    for one in shown:
        assert one.identities[one.truth] == 7
        assert (one.seed, one.evaluator_top1) == (3, 7)
