"""Whose turn it is at the device."""

import itertools
import threading
from collections.abc import Iterator
from dataclasses import dataclass

from mia_demo.errors import DemoError
from mia_demo.ui.engine.who_asks import Visitor

MAX_WAITING = 100
MAX_WAITING_PER_ADDRESS = 40  # a classroom behind one address
MAX_JOBS_PER_SESSION = 2  # one that runs and one that waits
MAX_LOOKS_PER_SESSION = 8  # a page asks for several at once, each a second or two
START_UP = "the start-up"  # the purpose of the job that loads the networks


class BusyError(DemoError):
    """Too many jobs wait already, of this visitor or of all."""


@dataclass(frozen=True)
class Waiting:
    """A job's place in the queue: jobs before it, and what the first of them does."""

    ahead: int
    running: str

    def sentence(self, own: str, *, verb: str = "starts", has_begun: bool = False) -> str:
        """Who goes first.

        Args:
            own: what waits here, such as ``your attack``.
            verb: what it does as soon as it may.
            has_begun: it has stepped aside for another visitor.
        """
        if self.running == START_UP:
            return f"The networks are still being loaded; {own} {verb} right after."
        if has_begun:
            return f"Another visitor goes first; {own} continues right after."
        turn = f"{verb} next" if self.ahead == 1 else f"is number {self.ahead} in the queue"
        return f"{self.running[0].upper()}{self.running[1:]} is running; {own} {turn}."


class Ticket:
    """A place in the device queue.

    Attributes:
        visitor: None for the owner, whom no limit holds.
        is_short: a look at something, not a job that takes its time.
    """

    def __init__(self, purpose: str, visitor: Visitor | None = None, *, is_short: bool = False):
        self.purpose = purpose
        self.visitor = visitor
        self.is_short = is_short
        self.is_given_up = False

    @property
    def address(self) -> str:
        return self.visitor.address if self.visitor else ""


class DeviceQueue:
    """Hands the device to one ticket at a time.

    Addresses take turns, in the order in which they last had the device; within an address the
    first to come is the first to go. So an address that asks forty times delays each other address
    by one job only.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._running: Ticket | None = None
        self._waiting: list[Ticket] = []
        self._turns: dict[str, int] = {}  # when each waiting address last had the device
        self._clock = itertools.count(1)

    @property
    def is_idle(self) -> bool:
        with self._changed:
            return self._running is None

    def draw(self, ticket: Ticket) -> None:
        """Takes a place.

        Raises:
            BusyError: the visitor, the address or everybody has too many.
        """
        with self._changed:
            self._check_room(ticket)
            self._waiting.append(ticket)
            self._call_next()

    def leave(self, ticket: Ticket) -> None:
        """Gives the place up; a second time does nothing."""
        with self._changed:
            if ticket is self._running:
                self._running = None
            elif ticket in self._waiting:
                self._waiting.remove(ticket)
            self._call_next()

    def step_aside(self, ticket: Ticket) -> None:
        """Lets those who wait go first."""
        with self._changed:
            if ticket is self._running:
                self._running = None
                self._waiting.append(ticket)
                self._call_next()

    def wait_for_turn(self, ticket: Ticket) -> bool:
        """Blocks until the device is the ticket's; False if it was given up meanwhile."""
        with self._changed:
            self._changed.wait_for(lambda: ticket not in self._waiting)
            return ticket is self._running

    def waiting(self, ticket: Ticket) -> Waiting | None:
        """The ticket's place; None when the device is its own, or it is gone."""
        with self._changed:
            if ticket not in self._waiting:
                return None
            ahead = list(itertools.takewhile(lambda other: other is not ticket, self._in_turn()))
            running = self._running or ahead[0]
            return Waiting(len(ahead) + (self._running is not None), running.purpose)

    def _call_next(self) -> None:
        if self._running is None and self._waiting:
            self._running = next(self._in_turn())
            self._waiting.remove(self._running)
            self._turns[self._running.address] = next(self._clock)
            present = {ticket.address for ticket in (*self._waiting, self._running)}
            self._turns = {a: turn for a, turn in self._turns.items() if a in present}
        self._changed.notify_all()

    def _in_turn(self) -> Iterator[Ticket]:
        """Those who wait, in the order in which they will be called if nobody else comes."""
        left, turns, clock = list(self._waiting), dict(self._turns), itertools.count(10**12)
        while left:
            ticket = min(left, key=lambda waiting: turns.get(waiting.address, 0))
            left.remove(ticket)
            turns[ticket.address] = next(clock)
            yield ticket

    def _check_room(self, ticket: Ticket) -> None:
        if len(self._waiting) >= MAX_WAITING:
            raise BusyError(f"{MAX_WAITING} jobs are waiting already; try again in a few minutes.")
        if ticket.visitor is None:
            return
        known = [other for other in self._waiting if other.visitor]
        if sum(other.address == ticket.address for other in known) >= MAX_WAITING_PER_ADDRESS:
            raise BusyError(
                f"{MAX_WAITING_PER_ADDRESS} jobs from your network are waiting already; try again "
                "in a few minutes."
            )
        everything = [*known, self._running] if self._running else known
        own = sum(
            other.visitor is not None
            and other.visitor.session == ticket.visitor.session
            and other.is_short == ticket.is_short
            and not other.is_given_up
            for other in everything
        )
        if own >= (MAX_LOOKS_PER_SESSION if ticket.is_short else MAX_JOBS_PER_SESSION):
            raise BusyError(
                "Others wait for this device too: one job of yours may run and one may wait. Stop "
                "one of them, or try again when one is done."
            )
