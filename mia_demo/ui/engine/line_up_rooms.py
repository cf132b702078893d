"""Games of line-ups: one visitor's own, or a room that a class joins from its phones.

Everything lives in memory and expires. A voter is a random token made by this server; with it go
the browser's random cookie and its address until the room ends, so that a visitor has one vote and
cannot fill the room.
"""

import math
import secrets
import threading
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager

from mia_demo.lesson.line_up import Ballot, LineUp
from mia_demo.ui.engine.line_up_game import Game, GoneError, LineUpError, Seat, cast

MAX_GAMES = 100
MAX_ROOMS = 50  # games with a room
MAX_VOTERS = 200  # per room
MAX_SEATS_PER_ADDRESS = 45  # a classroom behind one address
MAX_ROUNDS = 60  # per game
IDLE_SECONDS = 3 * 3600.0
WATCHED_SECONDS = 120.0  # a hidden tab asks at least once per minute
CODE_LETTERS = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"  # none that could be mistaken for another
CODE_LENGTH = 5
NO_COOKIE = (
    "A seat in a room needs a cookie: allow it, open the page in a tab of its own, and reload."
)
ALONE = "alone"  # the voter of a game without a room


class LineUpRooms:
    """All games of this server; any thread may use it.

    Args:
        clock: monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._games: dict[str, Game] = {}
        self._lock = threading.RLock()

    # -- the host's side ----------------------------------------------------------------------

    @contextmanager
    def hosted(self, key: str) -> Iterator[Game]:
        """A host's game, locked.

        Raises:
            GoneError: there is none.
        """
        with self._lock:
            self._forget_idle()
            game = self._games.get(key)
            if game is None:
                raise GoneError("This game is over; deal new rounds.")
            game.seen = self._clock()
            yield game

    def create(self) -> str:
        """A new game's key."""
        with self._lock:
            self._forget_idle()
            if len(self._games) >= MAX_GAMES:
                alone = [game for game in self._games.values() if not game.code]
                del self._games[min(alone, key=lambda game: game.used).key]
            key = secrets.token_urlsafe(16)
            now = self._clock()
            self._games[key] = Game(key, now, now)
            return key

    def open_room(self, key: str) -> str:
        """Lets others vote instead of the host; their tally starts empty.

        Returns:
            The room's code.

        Raises:
            LineUpError: no such game, or too many rooms.
        """
        with self._played(key) as game:
            if game.code:
                return game.code
            codes = {other.code for other in self._games.values() if other.code}
            if len(codes) >= MAX_ROOMS:
                raise LineUpError(f"{MAX_ROOMS} rooms are open already; try again later.")
            unseen = [n for n, ballot in enumerate(game.ballots) if not ballot.is_revealed]
            game.ballots = [Ballot(game.ballots[n].line_up) for n in unseen]
            game.names = [game.names[n] for n in unseen]
            game.current = 0
            game.code, game.is_locked = _new_code(codes), False
            return game.code

    def close_room(self, key: str) -> None:
        """Ends the room; the host keeps the tally."""
        with self._played(key) as game:
            game.code = ""
            game.empty()

    def lock(self, key: str, *, is_locked: bool) -> None:
        """Lets nobody else join, or lets them again; who has a seat keeps it."""
        with self._played(key) as game:
            game.is_locked = is_locked

    def reset_room(self, key: str) -> None:
        """Empties the room: all seats and open votes go, and a new code keeps the uninvited out."""
        with self._played(key) as game:
            codes = {other.code for other in self._games.values() if other.code}
            game.code, game.is_locked = _new_code(codes), False
            game.empty()

    def reveal(self, key: str) -> None:
        """Ends the vote.

        Raises:
            LineUpError: there is no round yet, or a player without a room has chosen nothing.
        """
        with self._played(key) as game:
            if game.ballot is None:
                raise LineUpError("There is no round to reveal yet; wait for the first one.")
            if not game.code and not game.ballot.votes:
                raise LineUpError("Choose a photo first; then reveal.")
            game.ballot.is_revealed = True

    def advance(self, key: str) -> None:
        """Moves to the next round, even if it is still being computed.

        Raises:
            LineUpError: it is the last round, or it has not been revealed.
        """
        with self._played(key) as game:
            if not game.has_next:
                raise LineUpError("There is no next round; reveal this one, or deal new rounds.")
            game.current += 1

    def expect(self, key: str, rounds: int) -> None:
        """Announces that this many rounds are being computed.

        Raises:
            LineUpError: rounds are being computed already, or the game gets too long.
        """
        with self._played(key) as game:
            if game.is_dealing:
                raise LineUpError("Rounds are being dealt already; they come one by one.")
            if len(game.ballots) + rounds > MAX_ROUNDS:
                raise LineUpError(f"A game has {MAX_ROUNDS} rounds at most; deal fewer rounds.")
            last = game.ballot
            if last is not None and last.is_revealed and game.current + 1 == len(game.ballots):
                game.current += 1  # the game was at its end; the new round appears by itself
            game.is_dealing, game.expected, game.note = True, rounds, ""

    def wait(self, key: str, note: str) -> None:
        """Notes what the expected rounds wait for."""
        with self._quietly(key) as game:
            game.note = note

    def add(self, key: str, line_up: LineUp) -> None:
        """Adds one of the expected rounds."""
        with self._quietly(key) as game:
            game.ballots.append(Ballot(line_up))
            game.names.append(secrets.token_urlsafe(6))
            game.expected, game.note = game.expected - 1, ""

    def finish(self, key: str, note: str = "") -> None:
        """Announces that no further round is being computed."""
        with self._quietly(key) as game:
            game.is_dealing, game.expected, game.note = False, 0, note

    def is_watched(self, key: str) -> bool:
        """Whether any page still shows the game."""
        with self._quietly(key) as game:
            return self._clock() - game.seen < WATCHED_SECONDS

    # -- the voters' side ---------------------------------------------------------------------

    def join(self, code: str, seat: Seat) -> str:
        """Gives a browser its seat in a room, the same one each time.

        Returns:
            The voter's token.

        Raises:
            LineUpError: no such room, no cookie, or no seat is left.
        """
        with self._room(code) as game:
            if not seat.cookie:
                raise LineUpError(NO_COOKIE)
            for voter, taken in game.seats.items():
                if taken.cookie == seat.cookie:
                    return voter
            if game.is_locked:
                raise LineUpError("This room is locked; ask its host to unlock it.")
            if len(game.seats) >= MAX_VOTERS:
                raise LineUpError(f"This room is full: {MAX_VOTERS} have joined it.")
            own = [taken for taken in game.seats.values() if taken.address == seat.address]
            if len(own) >= MAX_SEATS_PER_ADDRESS:
                raise LineUpError(
                    f"{MAX_SEATS_PER_ADDRESS} have joined this room from your network already; "
                    "try another one."
                )
            voter = secrets.token_urlsafe(12)
            game.seats[voter] = seat
            game.used = self._clock()
            return voter

    @contextmanager
    def joined(self, code: str, voter: str, cookie: str) -> Iterator[Game]:
        """A voter's game, locked.

        Raises:
            GoneError: no such room, or not a seat of this browser.
        """
        with self._room(code) as game:
            if voter not in game.seats or game.seats[voter].cookie != cookie:
                raise GoneError("You have not joined this room; enter its code.")
            yield game

    def leave(self, code: str, voter: str, cookie: str) -> None:
        """Removes a voter and their open vote: whoever comes back has one vote, not two."""
        with self.joined(code, voter, cookie) as game:
            del game.seats[voter]
            if game.ballot is not None and not game.ballot.is_revealed:
                game.ballot.votes.pop(voter, None)

    def vote(self, code: str, voter: str, cookie: str, choice: tuple[str, int]) -> None:
        """Counts a voter's choice; it replaces an earlier one.

        Args:
            choice: name of the round, and position of the photo.

        Raises:
            LineUpError: not joined, or the round is over.
        """
        with self.joined(code, voter, cookie) as game:
            cast(game, voter, *choice)
            game.used = self._clock()

    def vote_alone(self, key: str, name: str, position: int) -> None:
        """Counts the choice of a visitor who plays without a room."""
        with self._played(key) as game:
            if game.code:
                raise LineUpError("In a room the voters vote; join it with another device.")
            cast(game, ALONE, name, position)

    # -----------------------------------------------------------------------------------------

    @contextmanager
    def _played(self, key: str) -> Iterator[Game]:
        """``hosted``, for an action of the host."""
        with self.hosted(key) as game:
            game.used = self._clock()
            yield game

    @contextmanager
    def _room(self, code: str) -> Iterator[Game]:
        wanted = code.strip().upper()
        with self._lock:
            self._forget_idle()
            found = [game for game in self._games.values() if wanted and game.code == wanted]
            if not found:
                raise GoneError("There is no such room; check the code on the host’s screen.")
            found[0].seen = self._clock()
            yield found[0]

    @contextmanager
    def _quietly(self, key: str) -> Iterator[Game]:
        """The game, or an unseen one in place of one that is gone; nobody watches it by this."""
        with self._lock:
            yield self._games.get(key) or Game(key, seen=-math.inf, used=-math.inf)

    def _forget_idle(self) -> None:
        oldest = self._clock() - IDLE_SECONDS
        for key in [key for key, game in self._games.items() if game.used < oldest]:
            del self._games[key]


def _new_code(taken: Collection[str]) -> str:
    while True:
        code = "".join(secrets.choice(CODE_LETTERS) for _ in range(CODE_LENGTH))
        if code not in taken:
            return code
