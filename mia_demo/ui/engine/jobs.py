"""Long computations beside the web server: one device, everybody in turn, newest frame wins.

A job computes in a thread of its own, because Gradio moves generators between threads and torch's
grad mode belongs to a thread. The device queue is ours, because a cancelled Gradio event frees its
slot while its last step still runs.

Where visitors share the device (``Visitor``), each may have one running and one waiting job, and
waits behind at most one job of every other address. A job ends after ``max_seconds`` of computing,
or when nobody reads it any more.
"""

import contextvars
import math
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from typing import Generic, TypeVar

from mia_demo.errors import DemoError
from mia_demo.system.allocator import give_memory_back
from mia_demo.ui.engine.device_queue import DeviceQueue, Ticket, Waiting
from mia_demo.ui.engine.who_asks import STREAMS, current_visitor

QUEUE_POLL_SECONDS = 0.25  # how soon a closed tab or a moved queue is noticed
HEARTBEAT_SECONDS = 1.0  # a stream that yields nothing does not notice that its reader has gone
UNREAD_SECONDS = 5.0  # a browser opens the stream after it has asked for the job

Frame = TypeVar("Frame")


class OverBudgetError(DemoError):
    """A job took the device for longer than others can be asked to wait."""

    def __init__(self, seconds: float) -> None:
        super().__init__(
            f"Ended after {seconds / 60:.0f} minutes of computing: others wait for this device "
            "too. Choose fewer candidates, steps or rounds, or run a copy of your own."
        )


class Job(Generic[Frame]):
    """A stream of frames computed in its own thread.

    Args:
        work: makes the stream; called in the job's thread once the device is free.
        device: the queue to stand in.
        purpose: what others read while they wait for this job, such as ``an attack``.
        every_frame: keep all frames until they are read, not only the newest.
        yields_device: between two frames, let those who wait go first.
        is_short: a look at something; see ``device_queue``.
        max_seconds: of computing, where others share the device; then it ends with an error.
        subject: what it is about: asking for the same again lets it go on.

    Attributes:
        endings: texts of the buttons with which the visitor asked it to end.

    Raises:
        BusyError: there is no place in the queue.
    """

    def __init__(
        self,
        work: Callable[[], Generator[Frame, None, None]],
        device: DeviceQueue,
        purpose: str,
        *,
        every_frame: bool = False,
        yields_device: bool = False,
        is_short: bool = False,
        max_seconds: float = math.inf,
        subject: object = None,
    ) -> None:
        self.endings: set[str] = set()
        self.subject = subject
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
        self._visitor = current_visitor()
        self._max_seconds = max_seconds if self._visitor else math.inf
        self._read_at = time.monotonic()
        self._computing = False
        self._ticket = Ticket(purpose, self._visitor, is_short=is_short)
        device.draw(self._ticket)
        # Whose request it is goes along: ZeroGPU charges the GPU to that visitor.
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
        self._ticket.is_given_up = True
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

    def updates(
        self, interval: float = 0.0, *, for_stream: bool = True
    ) -> Iterator[Frame | Waiting]:
        """Yields frames as they come, and the place in the queue whenever it changes.

        Args:
            interval: minimum seconds between two frames; frames in between are dropped unless
                the job keeps every frame.
            for_stream: they go to the visitor's stream, and end when nobody reads that.

        Raises:
            Exception: whatever the work raised.
        """
        place: Waiting | None = None
        next_at = told_at = 0.0
        try:
            while not self._abandoned.is_set() and not (for_stream and self._is_unread()):
                moved = self._device.waiting(self._ticket)
                is_due = time.monotonic() - told_at >= HEARTBEAT_SECONDS
                if moved is not None and (moved != place or is_due):
                    told_at = time.monotonic()
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
                    if self._abandoned.is_set():
                        break
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
                computed = 0.0
                with closing(self._work()) as frames:
                    while not self._stop.is_set():
                        started = time.monotonic()
                        frame = next(frames, None)
                        if frame is None:
                            break
                        with self._changed:
                            self._frames.append(frame)
                            self._changed.notify_all()
                        computed += time.monotonic() - started
                        if computed > self._max_seconds:
                            raise OverBudgetError(self._max_seconds)
                        if self._yields_device and not self._let_others_go_first():
                            break
        except Exception as error:
            self._error = error
        finally:
            self._device.leave(self._ticket)
            with self._changed:
                self._finished = True
                self._changed.notify_all()
            if self._device.is_idle:
                give_memory_back()

    def _let_others_go_first(self) -> bool:
        """Waits until the device is ours again; False if the job was stopped meanwhile."""
        self._computing = False
        if self._stop.is_set():  # by somebody who read _computing before the line above
            return False
        self._device.step_aside(self._ticket)
        self._computing = self._device.wait_for_turn(self._ticket)
        return self._computing

    def _is_unread(self) -> bool:
        """Whether nobody reads the visitor's stream, though there was time to open it."""
        if self._visitor is None or STREAMS.is_read(self._visitor.session):
            self._read_at = time.monotonic()
            return False
        return time.monotonic() - self._read_at > UNREAD_SECONDS
