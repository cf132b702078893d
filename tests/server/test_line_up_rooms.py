"""Rooms of the Line-up page: who may do what, what is told before the reveal, what ends when."""

from __future__ import annotations

import itertools
import json
import time
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote
from xml.etree import ElementTree

import gradio as gr
import numpy as np
import pytest
from gradio.context import LocalContext

from mia_demo.attack.config import preset_config
from mia_demo.lesson.line_up import SAME_PERSON, SOMEBODY_ELSE, LineUp
from mia_demo.system.device import choose_compute
from mia_demo.ui.engine import jobs, line_up_rooms, visitors
from mia_demo.ui.engine.attack_news import Curves, FinishedAttack
from mia_demo.ui.engine.engine import Engine
from mia_demo.ui.engine.line_up_dealing import Dealer
from mia_demo.ui.engine.line_up_game import GoneError, LineUpError, Seat
from mia_demo.ui.engine.line_up_rooms import (
    CODE_LETTERS,
    IDLE_SECONDS,
    MAX_GAMES,
    MAX_ROOMS,
    MAX_SEATS_PER_ADDRESS,
    MAX_VOTERS,
    LineUpRooms,
)
from mia_demo.ui.engine.seats import SEAT_COOKIE
from mia_demo.ui.line_up.handlers import LineUpHandlers
from mia_demo.ui.line_up.view import host_view, pictures_json, voter_view
from mia_demo.zoo.opening import open_zoo
from tests.server.visits import ABROAD, visit
from tests.tiny_zoo import make_tiny_zoo

LANES = ["positive", "zero", "negative"]


NUMBERS = itertools.count()


class Clock:
    """Goes on when told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def rooms(clock: Clock) -> LineUpRooms:
    return LineUpRooms(clock)


def line_up(lane: str = "negative") -> LineUp:
    """Identities 60 to 67; 65, the sixth photo, is the true one, and the evaluator says 99."""
    rng = np.random.default_rng(0)
    photos = rng.integers(0, 256, (8, 16, 16, 3), dtype=np.uint8)
    return LineUp(lane, -0.05, 65, 7, photos[0], tuple(range(60, 68)), photos, 3, 99)


def dealt(rooms: LineUpRooms, rounds: int = 1) -> str:
    """A game with so many rounds."""
    key = rooms.create()
    rooms.expect(key, rounds)
    for _ in range(rounds):
        rooms.add(key, line_up())
    rooms.finish(key)
    return key


def seen_by_host(rooms: LineUpRooms, key: str) -> dict[str, Any]:
    with rooms.hosted(key) as game:
        return host_view(game, LANES)


def a_seat(address: str = "") -> Seat:
    number = next(NUMBERS)
    return Seat(f"cookie {number}", address or f"address {number}")


def cookie_of(rooms: LineUpRooms, voter: str) -> str:
    games = rooms._games.values()
    return next(game.seats[voter].cookie for game in games if voter in game.seats)


def seen_by_voter(rooms: LineUpRooms, code: str, voter: str) -> dict[str, Any]:
    with rooms.joined(code, voter, cookie_of(rooms, voter)) as game:
        return voter_view(game, voter, LANES)


def test_rounds_are_dealt_though_the_click_that_asked_for_them_is_answered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a server for others, where a job ends whose stream nobody reads."""
    monkeypatch.setattr(visitors.STREAMS, "is_watched", True)
    monkeypatch.setattr(jobs, "UNREAD_SECONDS", 0.0)
    engine = Engine(make_tiny_zoo(tmp_path / "zoo"), choose_compute("cpu"), tmp_path / "runs")
    rooms = LineUpRooms()
    key = rooms.create()
    token = LocalContext.request.set(visit("ada", **ABROAD))
    try:
        Dealer(engine, rooms)._start(key, [(lambda networks: iter([line_up()]), 1.0)] * 2)
    finally:
        LocalContext.request.reset(token)
    deadline = time.monotonic() + 30
    is_dealing = True
    while is_dealing and time.monotonic() < deadline:
        time.sleep(0.05)
        with rooms.hosted(key) as game:
            is_dealing, rounds = game.is_dealing, len(game.ballots)
    assert rounds == 2


def test_nothing_gives_the_truth_away_before_the_reveal(rooms: LineUpRooms) -> None:
    """Two rounds that differ in truth, lane and verdict alone look the same to everybody."""
    shown = line_up()
    other = LineUp(
        "positive", 0.1, 62, 7, shown.reconstruction, shown.identities, shown.photos, 6, 62
    )
    views = []
    for one in (shown, other):
        key = rooms.create()
        rooms.expect(key, 2)
        rooms.add(key, one)
        alone = seen_by_host(rooms, key)
        code = rooms.open_room(key)
        voter = rooms.join(code, a_seat())
        with rooms.hosted(key) as game:
            name = game.name
        rooms.vote(code, voter, cookie_of(rooms, voter), (name, 5))
        views.append(
            [
                {k: v for k, v in view.items() if k not in ("name", "code", "version")}
                for view in (alone, seen_by_host(rooms, key), seen_by_voter(rooms, code, voter))
            ]
            + [pictures_json(one)]
        )
    assert views[0] == views[1]
    words = json.dumps(views[0][:3])
    assert not any(word in words for word in ("negative", "identity", "-0.05", "60", "65", "99"))
    # A voter does not even learn how many have voted.
    assert "votes" not in views[0][2]


def test_a_round_from_vote_to_reveal(rooms: LineUpRooms) -> None:
    key = dealt(rooms, 2)
    code = rooms.open_room(key)
    assert len(code) == 5
    assert set(code) <= set(CODE_LETTERS)
    voters = [rooms.join(f" {code.lower()} ", a_seat()) for _ in range(3)]
    with rooms.hosted(key) as game:
        first = game.name
    for voter, position in zip(voters, (5, 5, 0), strict=True):
        rooms.vote(code, voter, cookie_of(rooms, voter), (first, position))
    rooms.vote(code, voters[0], cookie_of(rooms, voters[0]), (first, 1))  # changed
    assert seen_by_host(rooms, key)["status"] == "3 of 3 have voted."
    assert seen_by_voter(rooms, code, voters[0])["mine"] == 1
    rooms.reveal(key)
    reveal = seen_by_voter(rooms, code, voters[1])["reveal"]
    assert (reveal["truth"], reveal["lane"], reveal["choice"]) == (5, "negative", 3)
    assert reveal["counts"] == [1, 1, 0, 0, 0, 1, 0, 0]
    assert reveal["people"] == "It is photo 6, identity 65. 1 of 3 chose it."
    assert "identity 63: wrong" in reveal["machine"]
    assert "it says 99: wrong" in reveal["machine"]
    assert seen_by_voter(rooms, code, voters[1])["status"] == "You were right."
    with pytest.raises(LineUpError, match="too late"):
        rooms.vote(code, voters[2], cookie_of(rooms, voters[2]), (first, 5))
    rooms.advance(key)
    with pytest.raises(LineUpError, match="too late"):  # it was meant for the first round
        rooms.vote(code, voters[2], cookie_of(rooms, voters[2]), (first, 5))
    (row,) = seen_by_host(rooms, key)["tally"]
    assert row["words"] == "1 of 3: 33% (6% to 79%)"
    assert (row["choice"], row["top1"]) == ("0 of 1", "0 of 1")
    with pytest.raises(LineUpError, match="no next round"):
        rooms.advance(key)


def test_leaving_and_coming_back_gives_no_second_vote(rooms: LineUpRooms) -> None:
    key = dealt(rooms)
    code = rooms.open_room(key)
    voter = rooms.join(code, a_seat())
    with rooms.hosted(key) as game:
        rooms.vote(code, voter, cookie_of(rooms, voter), (game.name, 5))
        seat = game.seats[voter]
        rooms.leave(code, voter, seat.cookie)
        rooms.vote(code, rooms.join(code, seat), seat.cookie, (game.name, 4))
    assert seen_by_host(rooms, key)["status"] == "1 of 1 have voted."
    with pytest.raises(GoneError, match="not joined"):
        rooms.leave(code, voter, seat.cookie)


def test_a_browser_has_one_seat_and_one_vote(rooms: LineUpRooms) -> None:
    key = dealt(rooms)
    code = rooms.open_room(key)
    seat, other = a_seat(), a_seat()
    voters = {rooms.join(code, seat) for _ in range(200)}
    assert len(voters) == 1
    (voter,) = voters
    with rooms.hosted(key) as game:
        rooms.vote(code, voter, seat.cookie, (game.name, 5))
        with pytest.raises(GoneError, match="not joined"):  # a token alone is not enough
            rooms.vote(code, voter, other.cookie, (game.name, 4))
    with pytest.raises(LineUpError, match="needs a cookie"):
        rooms.join(code, Seat("", "192.0.2.1"))
    assert seen_by_host(rooms, key)["status"] == "1 of 1 have voted."


def test_an_address_takes_a_classrooms_seats_and_leaves_the_rest(rooms: LineUpRooms) -> None:
    key = dealt(rooms)
    code = rooms.open_room(key)
    for _ in range(40):
        rooms.join(code, a_seat("192.0.2.1"))
    for _ in range(MAX_SEATS_PER_ADDRESS - 40):
        rooms.join(code, a_seat("192.0.2.1"))
    for _ in range(200):
        with pytest.raises(LineUpError, match="from your network"):
            rooms.join(code, a_seat("192.0.2.1"))
    rooms.join(code, a_seat("198.51.100.1"))


def test_the_host_locks_and_empties_the_room(rooms: LineUpRooms) -> None:
    key = dealt(rooms)
    code = rooms.open_room(key)
    seat = a_seat()
    voter = rooms.join(code, seat)
    rooms.lock(key, is_locked=True)
    with pytest.raises(LineUpError, match="room is locked"):
        rooms.join(code, a_seat())
    assert rooms.join(code, seat) == voter  # after a reload, say
    rooms.lock(key, is_locked=False)
    rooms.join(code, a_seat())
    with rooms.hosted(key) as game:
        rooms.vote(code, voter, seat.cookie, (game.name, 5))
    rooms.reset_room(key)
    view = seen_by_host(rooms, key)
    assert (view["votes"], view["voters"], view["is_locked"]) == (0, 0, False)
    assert view["code"] != code
    with pytest.raises(GoneError, match="no such room"):
        rooms.join(code, seat)
    rooms.join(view["code"], seat)


def test_alone_one_chooses_before_the_reveal(rooms: LineUpRooms) -> None:
    key = dealt(rooms)
    with pytest.raises(LineUpError, match="Choose a photo first"):
        rooms.reveal(key)
    with rooms.hosted(key) as game:
        name = game.name
    with pytest.raises(LineUpError, match="photos 1 to 8"):
        rooms.vote_alone(key, name, 8)
    rooms.vote_alone(key, name, 5)
    rooms.reveal(key)
    assert seen_by_host(rooms, key)["reveal"]["people"].endswith("You were right.")
    # A room starts with a tally of its own.
    rooms.open_room(key)
    assert seen_by_host(rooms, key)["tally"] == []


def test_rooms_do_not_mix(rooms: LineUpRooms) -> None:
    keys = [dealt(rooms), dealt(rooms)]
    codes = [rooms.open_room(key) for key in keys]
    voters = [rooms.join(code, a_seat()) for code in codes]
    names = []
    for key in keys:
        with rooms.hosted(key) as game:
            names.append(game.name)
    with pytest.raises(GoneError, match="not joined"):
        rooms.vote(codes[0], voters[1], cookie_of(rooms, voters[1]), (names[0], 5))
    with pytest.raises(LineUpError, match="too late"):
        rooms.vote(codes[0], voters[0], cookie_of(rooms, voters[0]), (names[1], 5))
    rooms.vote(codes[0], voters[0], cookie_of(rooms, voters[0]), (names[0], 5))
    rooms.reveal(keys[0])
    assert [seen_by_host(rooms, key)["phase"] for key in keys] == ["revealed", "voting"]
    assert [seen_by_host(rooms, key)["voters"] for key in keys] == [1, 1]
    assert seen_by_host(rooms, keys[1])["tally"] == []


def test_only_the_key_hosts(rooms: LineUpRooms) -> None:
    key = dealt(rooms)
    code = rooms.open_room(key)
    voter = rooms.join(code, a_seat())
    for stranger in (code, voter, ""):
        with pytest.raises(GoneError, match="This game is over"):
            rooms.reveal(stranger)
    with pytest.raises(LineUpError, match="the voters vote"):
        rooms.vote_alone(key, "any", 0)
    rooms.close_room(key)
    with pytest.raises(GoneError, match="no such room"):
        rooms.join(code, a_seat())
    with pytest.raises(GoneError, match="no such room"):
        rooms.join("", a_seat())


def test_numbers_are_bounded(rooms: LineUpRooms, clock: Clock) -> None:
    keys = []
    for _ in range(MAX_ROOMS):
        keys.append(rooms.create())
        rooms.open_room(keys[-1])
    with pytest.raises(LineUpError, match="50 rooms are open already"):
        rooms.open_room(rooms.create())
    with rooms.hosted(keys[0]) as game:
        code = game.code
    for _ in range(MAX_VOTERS):
        rooms.join(code, a_seat())
    with pytest.raises(LineUpError, match="200 have joined"):
        rooms.join(code, a_seat())
    # Games without a room make place for each other, rooms stay.
    for _ in range(MAX_GAMES):
        clock.now += 1
        rooms.create()
    for key in keys:
        seen_by_host(rooms, key)
    rooms.expect(keys[0], 60)
    for _ in range(60):
        rooms.add(keys[0], line_up())
    with pytest.raises(LineUpError, match="dealt already"):
        rooms.expect(keys[0], 1)
    rooms.finish(keys[0])
    with pytest.raises(LineUpError, match="60 rounds at most"):
        rooms.expect(keys[0], 1)


def test_a_room_ends_when_nobody_uses_it(rooms: LineUpRooms, clock: Clock) -> None:
    key = dealt(rooms)
    code = rooms.open_room(key)
    clock.now += IDLE_SECONDS - 1
    voter = rooms.join(code, a_seat())
    clock.now += IDLE_SECONDS - 1
    seen_by_voter(rooms, code, voter)  # a forgotten tab keeps nothing alive
    seen_by_host(rooms, key)
    clock.now += 2
    with pytest.raises(GoneError, match="no such room"):
        rooms.join(code, a_seat())
    with pytest.raises(GoneError, match="game is over"):
        seen_by_host(rooms, key)


def test_dealing_waits_for_somebody_who_looks(rooms: LineUpRooms, clock: Clock) -> None:
    key = rooms.create()
    assert rooms.is_watched(key)
    clock.now += line_up_rooms.WATCHED_SECONDS + 1
    assert not rooms.is_watched(key)
    seen_by_host(rooms, key)
    assert rooms.is_watched(key)


# -- the handlers --------------------------------------------------------------------------------


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
        ("shout", {}, "asked something strange", False),
        ("look", None, "asked something strange", False),
        ("qr", {"link": "x" * 3000}, "asked something strange", False),
        ("vote", {"key": "x", "name": "y", "position": "z"}, "asked something strange", False),
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


@pytest.mark.parametrize(
    ("alpha", "vote", "outcome"),
    [
        (-0.05, 5, "The face leaked through lane negative."),
        (-0.05, 0, "You were fooled: the shield held."),
        (0.1, 0, "You were fooled: the face stayed hidden."),
        (None, 0, ""),
    ],
)
def test_a_negative_round_that_fools_people_is_the_shields_success(
    rooms: LineUpRooms, alpha: float | None, vote: int, outcome: str
) -> None:
    key = rooms.create()
    rooms.expect(key, 1)
    rooms.add(key, replace(line_up(SAME_PERSON if alpha is None else "negative"), alpha=alpha))
    rooms.finish(key)
    rooms.vote_alone(key, seen_by_host(rooms, key)["name"], vote)
    rooms.reveal(key)
    reveal = seen_by_host(rooms, key)["reveal"]
    assert reveal["outcome"] == outcome
    assert reveal["is_there"]


def test_with_a_photo_of_somebody_else_nobody_is_the_person(rooms: LineUpRooms) -> None:
    key = rooms.create()
    rooms.expect(key, 1)
    rooms.add(key, replace(line_up(SOMEBODY_ELSE), alpha=None))
    rooms.finish(key)
    rooms.vote_alone(key, seen_by_host(rooms, key)["name"], 5)
    rooms.reveal(key)
    view = seen_by_host(rooms, key)
    assert not view["reveal"]["is_there"]
    assert view["reveal"]["outcome"] == ""
    assert "none of the eight" in view["reveal"]["people"]
    (row,) = view["tally"]
    assert (row["note"], row["share"]) == ("false positives", 1.0)


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
