"""Sends frames no faster than the visitor's page draws them.

A stream of events has no brake. What a slow page has not drawn yet, such as a phone's, waits in
the browser, and the answer to Stop waits behind it. So every half second a frame carries a mark,
which ``pace.js`` sends back when it has drawn that frame. While a mark is overdue, no frame is
sent; afterwards the page is left alone for as long as the mark was overdue, so that it has time
for clicks.
"""

import itertools
import math
import threading
import time
from collections.abc import Callable, Iterator
from functools import wraps
from typing import Any

import gradio as gr

from mia_demo.ui.engine.sessions import SessionJobs
from mia_demo.ui.shared.components import component

MARK_SECONDS = 0.5  # from one mark to the next; a mark that takes longer to return is overdue
MAX_WAIT_SECONDS = 5.0  # a page in the background may draw nothing; it gets a frame now and then
POLL_SECONDS = 0.05

FrameValues = tuple[Any, ...]


class Pace:
    """The marks that pages have not sent back yet.

    Attributes:
        mark: the component that takes them in the browser; it shows nothing.
    """

    def __init__(self) -> None:
        self._numbers = itertools.count(1)
        self._unseen: dict[int, threading.Event] = {}
        self.mark = component("shared/pace", 0, server={"seen": self.seen}, elem_classes="pace")

    def seen(self, mark: int) -> None:
        """The page has drawn the frame with this mark."""
        if event := self._unseen.get(mark):
            event.set()

    def limited(
        self, handler: Callable[..., Iterator[FrameValues]], jobs: SessionJobs[Any]
    ) -> Callable[..., Iterator[FrameValues]]:
        """The handler of a button that starts a job, with the mark as a further output.

        Args:
            jobs: has the visitor's job while it runs; once it is over nothing waits for a mark.
        """

        @wraps(handler)
        def paced(*values: Any) -> Iterator[FrameValues]:
            session = next(str(v.session_hash) for v in values if isinstance(v, gr.Request))
            mark, marked_at = 0, 0.0
            try:
                for frame in handler(*values):
                    if mark:
                        yield (*frame, gr.skip())
                    else:
                        mark, marked_at = next(self._numbers), time.monotonic()
                        self._unseen[mark] = threading.Event()
                        yield (*frame, mark)
                    if time.monotonic() - marked_at >= MARK_SECONDS:
                        _wait(self._unseen[mark], jobs, session)
                        del self._unseen[mark]
                        mark = 0
            finally:
                self._unseen.pop(mark, None)

        return paced


def _wait(seen: threading.Event, jobs: SessionJobs[Any], session: str) -> None:
    """Until the page has sent the mark back, and as long again, unless the job is over."""
    job = jobs.job_of(session)
    began, rested_at = time.monotonic(), math.inf
    while job is not None and not job.wait(0) and jobs.job_of(session) is job:
        now = time.monotonic()
        if seen.is_set() and rested_at == math.inf:
            rested_at = now + (now - began)
        if now >= min(rested_at, began + MAX_WAIT_SECONDS):
            return
        job.wait(POLL_SECONDS)
