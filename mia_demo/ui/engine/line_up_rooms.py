"""Games of line-ups: one visitor's own, or a room that a class joins from its phones.

All of it lives in memory and ends by itself. A voter is a random word that this server made up;
nothing else is known or kept of anybody.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from mia_demo.lesson.line_up import Ballot, LineUp
from mia_demo.ui.engine.line_up_game import Game, GoneError, LineUpError, cast

MAX_GAMES = 100
MAX_ROOMS = 50  # of them
MAX_VOTERS = 200  # in a room
MAX_ROUNDS = 60  # of a game
IDLE_SECONDS = 3 * 3600.0
WATCHED_SECONDS = 120.0  # a hidden tab asks once a minute at least
CODE_LETTERS = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"  # none that looks like another
CODE_LENGTH = 5
ALONE = "alone"  # the voter of a game without a room


class LineUpRooms:
    """All games of this server; any thread may use it.

    Args:
        clock: seconds that only grow.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._games: dict[str, Game] = {}
        self._lock = threading.RLock()

    # -- the host's side ----------------------------------------------------------------------

    @contextmanager
    def hosted(self, key: str) -> Iterator[Game]:
        """The game of a host, held against others.

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
        """Lets others vote instead of the host, with a tally of their own.

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
            while not game.code or game.code in codes:
                game.code = "".join(secrets.choice(CODE_LETTERS) for _ in range(CODE_LENGTH))
            return game.code

    def close_room(self, key: str) -> None:
        """Sends the voters away; the tally stays with the host."""
        with self._played(key) as game:
            game.code = ""
            game.voters.clear()

    def reveal(self, key: str) -> None:
        """Ends the vote.

        Raises:
            LineUpError: no round is on show, or nobody plays and nothing is chosen.
        """
        with self._played(key) as game:
            if game.ballot is None:
                raise LineUpError("There is no round to reveal yet; wait for the first one.")
            if not game.code and not game.ballot.votes:
                raise LineUpError("Choose a photo first; then reveal.")
            game.ballot.is_revealed = True

    def advance(self, key: str) -> None:
        """Goes on to the next round, even if it is still being computed.

        Raises:
            LineUpError: the last round, or one that is not revealed.
        """
        with self._played(key) as game:
            if not game.has_next:
                raise LineUpError("There is no next round; reveal this one, or deal new rounds.")
            game.current += 1

    def expect(self, key: str, rounds: int) -> None:
        """Says that so many rounds are being computed from now on.

        Raises:
            LineUpError: some are already, or the game gets too long.
        """
        with self._played(key) as game:
            if game.is_dealing:
                raise LineUpError("Rounds are being dealt already; they come one by one.")
            if len(game.ballots) + rounds > MAX_ROUNDS:
                raise LineUpError(f"A game has {MAX_ROUNDS} rounds at most; deal fewer rounds.")
            last = game.ballot
            if last is not None and last.is_revealed and game.current + 1 == len(game.ballots):
                game.current += 1  # nothing was left to go on to; the new round comes by itself
            game.is_dealing, game.expected, game.note = True, rounds, ""

    def wait(self, key: str, note: str) -> None:
        """Notes what the expected rounds wait for."""
        with self._quietly(key) as game:
            if game is not None:
                game.note = note

    def add(self, key: str, line_up: LineUp) -> None:
        """Adds one of the expected rounds."""
        with self._quietly(key) as game:
            if game is not None:
                game.ballots.append(Ballot(line_up))
                game.names.append(secrets.token_urlsafe(6))
                game.expected, game.note = game.expected - 1, ""

    def finish(self, key: str, note: str = "") -> None:
        """No further round is being computed."""
        with self._quietly(key) as game:
            if game is not None:
                game.is_dealing, game.expected, game.note = False, 0, note

    def is_watched(self, key: str) -> bool:
        """Whether anybody still looks at the game."""
        with self._quietly(key) as game:
            return game is not None and self._clock() - game.seen < WATCHED_SECONDS

    # -- the voters' side ---------------------------------------------------------------------

    def join(self, code: str) -> str:
        """A new voter of a room.

        Raises:
            LineUpError: no such room, or it is full.
        """
        with self._room(code) as game:
            if len(game.voters) >= MAX_VOTERS:
                raise LineUpError(f"This room is full: {MAX_VOTERS} have joined it.")
            voter = secrets.token_urlsafe(12)
            game.voters.add(voter)
            game.used = self._clock()
            return voter

    @contextmanager
    def joined(self, code: str, voter: str) -> Iterator[Game]:
        """The game of a voter, held against others.

        Raises:
            GoneError: no such room, or not one of its voters.
        """
        with self._room(code) as game:
            if voter not in game.voters:
                raise GoneError("You have not joined this room; enter its code.")
            yield game

    def leave(self, code: str, voter: str) -> None:
        """Takes an open vote along: whoever comes back has one again, not two."""
        with self.joined(code, voter) as game:
            game.voters.remove(voter)
            if game.ballot is not None and not game.ballot.is_revealed:
                game.ballot.votes.pop(voter, None)

    def vote(self, code: str, voter: str, name: str, position: int) -> None:
        """A voter's choice, in place of an earlier one.

        Args:
            name: of the round.
            position: of the photo.

        Raises:
            LineUpError: not joined, or the round is over.
        """
        with self.joined(code, voter) as game:
            cast(game, voter, name, position)
            game.used = self._clock()

    def vote_alone(self, key: str, name: str, position: int) -> None:
        """The choice of a visitor without a room."""
        with self._played(key) as game:
            if game.code:
                raise LineUpError("In a room the voters vote; join it with another device.")
            cast(game, ALONE, name, position)

    # -----------------------------------------------------------------------------------------

    @contextmanager
    def _played(self, key: str) -> Iterator[Game]:
        """``hosted``, by a host who does something."""
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
    def _quietly(self, key: str) -> Iterator[Game | None]:
        """The game, if it still exists, without counting as somebody's look at it."""
        with self._lock:
            yield self._games.get(key)

    def _forget_idle(self) -> None:
        oldest = self._clock() - IDLE_SECONDS
        for key in [key for key, game in self._games.items() if game.used < oldest]:
            del self._games[key]
