"""Rounds of the line-up: what is told before the reveal, and what after it."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from pathlib import Path

import pytest
from gradio.context import LocalContext

from mia_demo.lesson.line_up import SAME_PERSON, SOMEBODY_ELSE, LineUp
from mia_demo.system.device import choose_compute
from mia_demo.ui.engine import jobs, who_asks
from mia_demo.ui.engine.engine import Engine
from mia_demo.ui.engine.line_up_dealing import Dealer
from mia_demo.ui.engine.line_up_game import LineUpError
from mia_demo.ui.engine.line_up_rooms import CODE_LETTERS, LineUpRooms
from mia_demo.ui.line_up.view import pictures_json
from tests.server.line_up.play import a_seat, cookie_of, dealt, line_up, seen_by_host, seen_by_voter
from tests.server.visits import ABROAD, visit
from tests.tiny_zoo import make_tiny_zoo


def test_rounds_are_dealt_though_the_click_that_asked_for_them_is_answered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a server for others, where a job ends whose stream nobody reads."""
    monkeypatch.setattr(who_asks.STREAMS, "is_watched", True)
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


def voted_in_a_room(rooms: LineUpRooms) -> str:
    """A game of two rounds; somebody in its room has chosen the right photo of the first."""
    key = dealt(rooms, 2)
    code = rooms.open_room(key)
    voter = rooms.join(code, a_seat())
    with rooms.hosted(key) as game:
        name = game.name
    rooms.vote(code, voter, cookie_of(rooms, voter), (name, 5))
    return key


def test_after_the_room_the_host_is_not_told_what_others_voted_as_ones_own(
    rooms: LineUpRooms,
) -> None:
    key = voted_in_a_room(rooms)
    rooms.reveal(key)
    told = seen_by_host(rooms, key)["reveal"]["people"]
    assert told.endswith("1 of 1 chose it.")
    rooms.close_room(key)
    assert seen_by_host(rooms, key)["reveal"]["people"] == told


def test_an_open_rounds_votes_go_with_the_room(rooms: LineUpRooms) -> None:
    key = voted_in_a_room(rooms)
    rooms.close_room(key)
    with rooms.hosted(key) as game:
        assert game.ballot is not None
        assert game.ballot.votes == {}
