"""One game of line-ups: its rounds, and how far it is."""

from __future__ import annotations

from dataclasses import dataclass, field

from mia_demo.errors import DemoError
from mia_demo.lesson.line_up import LINE_UP_PHOTOS, Ballot, LineUp


class LineUpError(DemoError):
    """A step that a game does not allow (any more), or too many of something."""


class GoneError(LineUpError):
    """A game or room that is not there, or that one does not belong to."""


@dataclass
class Game:
    """Rounds in order, and how far the game is.

    Attributes:
        key: known to the host alone.
        code: of the room; empty without one.
        current: index of the round on show; ``len(ballots)`` while it is still being computed.
        voters: who has joined the room.
        is_dealing, expected: whether rounds are being computed, and how many are still missing.
        note: what they wait for, or why there are none.
        seen: when a page last asked for it.
        used: when somebody last did something in it.
    """

    key: str
    seen: float
    used: float
    code: str = ""
    ballots: list[Ballot] = field(default_factory=list)
    current: int = 0
    voters: set[str] = field(default_factory=set)
    is_dealing: bool = False
    expected: int = 0
    note: str = ""
    # Rounds have names of their own: a late vote must not count for the next one.
    names: list[str] = field(default_factory=list)

    @property
    def ballot(self) -> Ballot | None:
        """The round on show."""
        return self.ballots[self.current] if self.current < len(self.ballots) else None

    @property
    def line_up(self) -> LineUp | None:
        """What the round on show is about."""
        return None if self.ballot is None else self.ballot.line_up

    @property
    def name(self) -> str:
        """Of the round on show; empty while there is none."""
        return self.names[self.current] if self.current < len(self.names) else ""

    @property
    def has_next(self) -> bool:
        """Whether there is a round to go on to, or one on its way."""
        ballot = self.ballot
        more = self.current + 1 < len(self.ballots) or self.expected > 0
        return ballot is not None and ballot.is_revealed and more

    @property
    def dealt(self) -> set[int]:
        """Identities that were shown already."""
        return {ballot.line_up.identity for ballot in self.ballots}


def cast(game: Game, voter: str, name: str, position: int) -> None:
    """Counts a vote in place of an earlier one.

    Raises:
        LineUpError: no such photo, or the round is over.
    """
    if not 0 <= position < LINE_UP_PHOTOS:
        raise LineUpError(f"There are photos 1 to {LINE_UP_PHOTOS}; choose one of them.")
    if game.ballot is None or game.name != name or game.ballot.is_revealed:
        raise LineUpError("This round is over; your vote came too late.")
    game.ballot.votes[voter] = position
