"""Rooms whose clock goes on when told to."""

from __future__ import annotations

import pytest

from mia_demo.ui.engine.line_up_rooms import LineUpRooms


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
