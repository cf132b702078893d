"""A page is sent no more frames than it draws, and Stop never waits for one that draws slowly."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Generator, Iterator
from itertools import count
from typing import Any

import gradio as gr
import pytest

from mia_demo.ui.engine.device_queue import DeviceQueue
from mia_demo.ui.engine.jobs import Job
from mia_demo.ui.engine.sessions import SessionJobs
from mia_demo.ui.shared import pace as pace_module
from mia_demo.ui.shared.handler import stream
from mia_demo.ui.shared.pace import Pace
from tests.server.test_handler import Words
from tests.server.visits import visit

OVER = "over"


class Pair(Words):
    """Two outputs, as pages have them."""

    def first(self, job: Job[int]) -> Any:
        return ("first", "running")

    def show(self, update: Any, job: Job[int]) -> Any:
        return (update, "running")

    def over(self, job: Job[int]) -> Any:
        return ("stopped" if job.stopped else "done", "ready")


class SlowPage:
    """Counts without end and shows it in a thread of its own; ``frames`` are what arrived."""

    def __init__(self, jobs: SessionJobs[int]) -> None:
        self.jobs = jobs
        self.pace = Pace()
        self.frames: queue.Queue[Any] = queue.Queue()
        self.counted = threading.Semaphore(0)
        self.device = DeviceQueue()

    def work(self) -> Generator[int, None, None]:
        for number in count():
            self.counted.release()
            yield number

    def handler(self, request: gr.Request) -> Iterator[tuple[Any, ...]]:
        def start() -> Job[int]:
            return Job(self.work, self.device, "counting")

        yield from stream(self.jobs, request, start, Pair())

    def open(self) -> None:
        limited: Callable[..., Iterator[tuple[Any, ...]]] = self.pace.limited(
            self.handler, self.jobs
        )

        def read() -> None:
            for frame in limited(visit("a")):
                self.frames.put(frame)
            self.frames.put(OVER)

        threading.Thread(target=read, daemon=True).start()

    def count_on(self, steps: int) -> None:
        """Lets the job do that many steps more."""
        for _ in range(steps):
            assert self.counted.acquire(timeout=60)


@pytest.fixture
def page(monkeypatch: pytest.MonkeyPatch) -> Iterator[SlowPage]:
    monkeypatch.setattr(pace_module, "MARK_SECONDS", 0.0)  # every frame has a mark
    monkeypatch.setattr(pace_module, "MAX_WAIT_SECONDS", 600.0)
    page = SlowPage(SessionJobs())
    yield page
    page.jobs.release("a")


def test_the_next_frame_waits_until_the_page_has_drawn_the_one_before(page: SlowPage) -> None:
    page.open()
    *_, mark = page.frames.get(timeout=60)
    page.count_on(1000)
    assert page.frames.empty()
    page.pace.seen(mark)
    newest, _, next_mark = page.frames.get(timeout=60)
    assert newest >= 999  # what it could not draw is left out
    assert next_mark != mark


def test_stop_does_not_wait_for_a_page_that_draws_nothing(page: SlowPage) -> None:
    page.open()
    page.frames.get(timeout=60)
    page.count_on(10)
    job = page.jobs.job_of("a")
    assert job is not None
    job.stop()
    frames = list(iter(lambda: page.frames.get(timeout=60), OVER))
    assert frames[-1][0] == "stopped"


def test_a_page_that_never_answers_gets_a_frame_now_and_then(
    page: SlowPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pace_module, "MAX_WAIT_SECONDS", 0.1)
    page.open()
    for _ in range(3):
        page.frames.get(timeout=60)


def test_a_mark_that_nobody_waits_for_is_ignored() -> None:
    Pace().seen(17)
