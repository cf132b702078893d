"""A round, a game, seats in it, and what its host and its voters see."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from mia_demo.lesson.line_up import LineUp
from mia_demo.ui.engine.line_up_game import Seat
from mia_demo.ui.engine.line_up_rooms import LineUpRooms
from mia_demo.ui.line_up.view import host_view, voter_view

LANES = ["positive", "zero", "negative"]
NUMBERS = itertools.count()


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
