"""Long computations beside the web server: one device, first come first served, newest frame wins.

A job computes in a thread of its own, because Gradio moves generators between threads and torch's
grad mode belongs to a thread. The device queue is ours, because a cancelled Gradio event frees its
slot while its last step still runs.
"""

from __future__ import annotations

import contextvars
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Generic, TypeVar

from mia_demo.errors import DemoError

MAX_WAITING = 20
START_UP = "the start-up"  # the purpose of the job that loads the networks
QUEUE_POLL_SECONDS = 0.25  # how soon a closed tab or progress in the queue is noticed

Frame = TypeVar("Frame")


class BusyError(DemoError):
    """Too many visitors wait already."""


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
    """A place in the device queue."""

    def __init__(self, purpose: str) -> None:
        self.purpose = purpose


class DeviceQueue:
    """Hands the device to one ticket at a time, in the order they were drawn."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._tickets: list[Ticket] = []

    def draw(self, purpose: str) -> Ticket:
        """Takes a place at the end.

        Raises:
            BusyError: the queue is full.
        """
        with self._changed:
            if len(self._tickets) > MAX_WAITING:
                raise BusyError(f"{MAX_WAITING} attacks are waiting already; try again later.")
            ticket = Ticket(purpose)
            self._tickets.append(ticket)
            return ticket

    def leave(self, ticket: Ticket) -> None:
        """Gives up the place; does nothing if that has happened already."""
        with self._changed:
            if ticket in self._tickets:
                self._tickets.remove(ticket)
            self._changed.notify_all()

    def step_aside(self, ticket: Ticket) -> None:
        """Goes to the end of the queue, behind those who wait."""
        with self._changed:
            if ticket in self._tickets:
                self._tickets.remove(ticket)
                self._tickets.append(ticket)
            self._changed.notify_all()

    def wait_for_turn(self, ticket: Ticket) -> bool:
        """Blocks until the ticket is first; False if it was given up meanwhile."""
        with self._changed:
            self._changed.wait_for(
                lambda: ticket not in self._tickets or self._tickets[0] is ticket
            )
            return ticket in self._tickets

    def waiting(self, ticket: Ticket) -> Waiting | None:
        """The ticket's place; None when it is first or gone."""
        with self._changed:
            if ticket not in self._tickets or self._tickets[0] is ticket:
                return None
            return Waiting(self._tickets.index(ticket), self._tickets[0].purpose)


class Job(Generic[Frame]):
    """A stream of frames computed in its own thread.

    Args:
        work: makes the stream; called in the job's thread once the device is free.
        device: the queue to stand in.
        purpose: what others read while they wait for this job, such as ``an attack``.
        every_frame: keep all frames until they are read, not only the newest.
        yields_device: between two frames, let those who wait go first.

    Attributes:
        endings: texts of the buttons with which the visitor asked it to end.

    Raises:
        BusyError: the queue is full.
    """

    def __init__(
        self,
        work: Callable[[], Generator[Frame, None, None]],
        device: DeviceQueue,
        purpose: str,
        *,
        every_frame: bool = False,
        yields_device: bool = False,
    ) -> None:
        self.endings: set[str] = set()
        self._work = work
        self._device = device
        self._yields_device = yields_device
        self._frames: deque[Frame] = deque(maxlen=None if every_frame else 1)
        self._changed = threading.Condition()
        self._stop = threading.Event()
        self._abandoned = threading.Event()
        self._reader_left = threading.Event()
        self._finished = False
        self._error: Exception | None = None
        self._ticket = device.draw(purpose)
        self._computing = False
        # The context tells ZeroGPU which visitor's request this is, to charge the GPU to them.
        run = contextvars.copy_context().run
        threading.Thread(target=run, args=(self._run,), name=purpose, daemon=True).start()

    @property
    def stopped(self) -> bool:
        """Whether it was asked to end before it was over."""
        return self._stop.is_set()

    def stop(self) -> None:
        """Ends the job after its step. Never blocks: a closed tab calls it from the event loop.

        The device stays taken until that step is over. A finished job stays as it is.
        """
        if self._finished:
            return
        self._stop.set()
        if not self._computing:
            self._device.leave(self._ticket)

    def abandon(self) -> None:
        """Ends the job and its reader, who gets no further frame."""
        self.stop()
        with self._changed:
            self._abandoned.set()
            self._changed.notify_all()

    def wait_for_reader(self, timeout: float) -> bool:
        """Whether ``updates`` is over, within ``timeout`` seconds."""
        return self._reader_left.wait(timeout)

    def wait(self, timeout: float | None = None) -> bool:
        """Whether the job is over, within ``timeout`` seconds."""
        with self._changed:
            return self._changed.wait_for(lambda: self._finished, timeout)

    def updates(self, interval: float = 0.0) -> Iterator[Frame | Waiting]:
        """Yields frames as they come, and the place in the queue whenever it changes.

        Args:
            interval: minimum seconds between two frames; frames in between are dropped unless
                the job keeps every frame.

        Raises:
            Exception: whatever the work raised.
        """
        place: Waiting | None = None
        next_at = 0.0
        try:
            while not self._abandoned.is_set():
                moved = self._device.waiting(self._ticket)
                if moved is not None and moved != place:
                    yield moved
                place = moved
                with self._changed:
                    self._changed.wait_for(
                        lambda: self._frames or self._finished or self._abandoned.is_set(),
                        QUEUE_POLL_SECONDS,
                    )
                    pending = bool(self._frames)
                    finished = self._finished
                if pending:
                    time.sleep(max(0.0, next_at - time.monotonic()))
                    next_at = time.monotonic() + interval
                    with self._changed:
                        frame = self._frames.popleft()
                    yield frame
                elif finished:
                    break
            if self._error is not None and not self._abandoned.is_set():
                raise self._error
        finally:
            self._reader_left.set()
            self.stop()

    def _run(self) -> None:
        try:
            if self._device.wait_for_turn(self._ticket):
                self._computing = True
                with closing(self._work()) as frames:
                    while not self._stop.is_set():
                        frame = next(frames, None)
                        if frame is None:
                            break
                        self._put(frame)
                        if self._yields_device and not self._let_others_go_first():
                            break
        except Exception as error:
            self._error = error
        finally:
            self._device.leave(self._ticket)
            with self._changed:
                self._finished = True
                self._changed.notify_all()

    def _let_others_go_first(self) -> bool:
        """Waits until the device is ours again; False if the job was stopped meanwhile."""
        self._computing = False
        if self._stop.is_set():  # by somebody who read _computing before the line above
            return False
        self._device.step_aside(self._ticket)
        self._computing = self._device.wait_for_turn(self._ticket)
        return self._computing

    def _put(self, frame: Frame) -> None:
        with self._changed:
            self._frames.append(frame)
            self._changed.notify_all()
