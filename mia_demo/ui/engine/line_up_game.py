"""One game of line-ups: its rounds and its progress."""

from dataclasses import dataclass, field

from mia_demo.errors import DemoError
from mia_demo.lesson.line_up import LINE_UP_PHOTOS, Ballot, LineUp


class LineUpError(DemoError):
    """A step that the game does not allow now, or too many of something."""


class GoneError(LineUpError):
    """A game or room that does not exist, or to which the visitor does not belong."""


@dataclass(frozen=True)
class Seat:
    """Whose a voter's place in a room is."""

    cookie: str  # of the browser
    address: str  # which may take a number of seats


@dataclass
class Game:
    """Rounds in order, and the game's progress."""

    key: str  # known to the host alone
    seen: float  # time of a page's last request
    used: float  # time of the last action
    code: str = ""  # of the room; empty without one
    ballots: list[Ballot] = field(default_factory=list)
    current: int = 0  # index of the current round; ``len(ballots)`` while it is being computed
    seats: dict[str, Seat] = field(default_factory=dict)  # who has joined the room, by their token
    is_locked: bool = False  # nobody else may join
    is_dealing: bool = False  # rounds are being computed
    expected: int = 0  # how many of them are missing
    note: str = ""  # what they wait for, or why there are none
    is_recorded: bool = False  # its rounds came with the demo; other rounds begin a new game
    # A round has a name, so that a late vote does not count for the next one.
    names: list[str] = field(default_factory=list)

    def empty(self) -> None:
        """Everybody leaves the room, and votes that nobody has seen yet go."""
        self.seats.clear()
        if self.ballot is not None and not self.ballot.is_revealed:
            self.ballot.votes.clear()

    @property
    def ballot(self) -> Ballot | None:
        """The current round."""
        return self.ballots[self.current] if self.current < len(self.ballots) else None

    @property
    def line_up(self) -> LineUp | None:
        """The line-up of the current round."""
        return None if self.ballot is None else self.ballot.line_up

    @property
    def name(self) -> str:
        """Name of the current round; empty while there is none."""
        return self.names[self.current] if self.current < len(self.names) else ""

    @property
    def has_next(self) -> bool:
        """Whether there is a next round, or one being computed."""
        ballot = self.ballot
        more = self.current + 1 < len(self.ballots) or self.expected > 0
        return ballot is not None and ballot.is_revealed and more

    @property
    def dealt(self) -> set[int]:
        """Identities that were shown already."""
        return {ballot.line_up.identity for ballot in self.ballots}


def cast(game: Game, voter: str, name: str, position: int) -> None:
    """Counts a vote; it replaces the voter's earlier one.

    Raises:
        LineUpError: no such photo, or the round is over.
    """
    if not 0 <= position < LINE_UP_PHOTOS:
        raise LineUpError(f"There are photos 1 to {LINE_UP_PHOTOS}; choose one of them.")
    if game.ballot is None or game.name != name or game.ballot.is_revealed:
        raise LineUpError("This round is over; your vote came too late.")
    game.ballot.votes[voter] = position
