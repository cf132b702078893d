"""Rooms of the Line-up page: who may do what, and what ends when."""

from __future__ import annotations

import pytest

from mia_demo.ui.engine import line_up_rooms
from mia_demo.ui.engine.line_up_game import GoneError, LineUpError, Seat
from mia_demo.ui.engine.line_up_rooms import (
    IDLE_SECONDS,
    MAX_GAMES,
    MAX_ROOMS,
    MAX_SEATS_PER_ADDRESS,
    MAX_VOTERS,
    LineUpRooms,
)
from tests.server.line_up.conftest import Clock
from tests.server.line_up.play import a_seat, cookie_of, dealt, line_up, seen_by_host, seen_by_voter


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
