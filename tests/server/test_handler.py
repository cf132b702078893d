"""The life of a page's job: every way it can end is told once, and the job is always let go."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Generator, Iterator
from itertools import count

import gradio as gr
import pytest

from mia_demo.errors import ConfigError
from mia_demo.ui.engine.device_queue import DeviceQueue, Waiting
from mia_demo.ui.engine.jobs import Job
from mia_demo.ui.engine.sessions import SessionJobs
from mia_demo.ui.shared.handler import JobView, stream, toasts, with_errors_told
from tests.server.visits import visit

Work = Callable[[], Generator[int, None, None]]


class Words(JobView[int]):
    unexpected = "Counting failed unexpectedly."

    def first(self, job: Job[int]) -> str:
        return "first"

    def show(self, update: int | Waiting, job: Job[int]) -> str:
        return str(update)

    def over(self, job: Job[int]) -> str:
        return "stopped" if job.stopped else "done"

    def failed(self, message: str) -> str:
        return message


class Page:
    def __init__(self) -> None:
        self.jobs: SessionJobs[int] = SessionJobs()
        self.device = DeviceQueue()

    def start(self, work: Work, session: str = "a") -> Iterator[str]:
        def make() -> Job[int]:
            return Job(work, self.device, "counting", every_frame=True)

        return stream(self.jobs, visit(session), make, Words())

    def job(self, session: str = "a") -> Job[int]:
        job = self.jobs.job_of(session)
        assert job is not None
        return job


def two() -> Generator[int, None, None]:
    yield 1
    yield 2


def endless() -> Generator[int, None, None]:
    yield from count()


def test_a_job_is_shown_from_start_to_end_and_released() -> None:
    page = Page()
    assert list(page.start(two)) == ["first", "1", "2", "done"]
    assert page.jobs.job_of("a") is None


def test_a_stopped_job_says_so_last() -> None:
    page = Page()
    frames = page.start(endless)
    assert next(frames) == "first"
    page.job().stop()
    assert list(frames)[-1] == "stopped"
    assert page.jobs.job_of("a") is None


def test_the_second_half_of_a_double_click_changes_nothing() -> None:
    page = Page()
    frames = page.start(endless)
    next(frames)
    job = page.job()
    assert list(page.start(two)) == [gr.skip()]
    assert page.job() is job
    assert not job.stopped


def test_a_click_on_a_button_that_the_last_frame_has_just_enabled_starts_the_next_job() -> None:
    """Gradio takes the event for over a moment after its last frame."""
    page = Page()
    older = page.start(two)
    while next(older) != "done":
        pass
    newer = page.start(two)
    assert next(newer) == "first"
    assert list(older) == []
    assert list(newer)[-1] == "done"


def test_a_job_that_gave_way_ends_with_a_frame_that_changes_nothing() -> None:
    """Gradio sends an event's last frame once more when it is over."""
    page = Page()
    frames = page.start(endless)
    next(frames)
    page.jobs.release("a")
    assert list(frames)[-1] == gr.skip()


def test_a_closed_tab_ends_the_job() -> None:
    page = Page()
    frames = page.start(endless)
    next(frames)
    job = page.job()
    frames.close()  # type: ignore[attr-defined]
    assert job.wait(10)
    assert page.jobs.job_of("a") is None


def test_an_expected_error_is_told_on_the_page_and_as_a_toast() -> None:
    def refused() -> Generator[int, None, None]:
        yield 1
        raise ConfigError("<b> is not a number; give one.")

    page = Page()
    frames = page.start(refused)
    told = [next(frames) for _ in range(3)]
    with pytest.raises(gr.Error) as error:
        next(frames)
    assert told == ["first", "1", "<b> is not a number; give one."]
    assert (
        str(error.value.message) == "&lt;b&gt; is not a number; give one."
    )  # a toast renders HTML
    assert page.jobs.job_of("a") is None


def test_an_unexpected_error_is_logged_and_told_without_its_words(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def broken() -> Generator[int, None, None]:
        yield 1
        raise ZeroDivisionError("secret")

    frames = Page().start(broken)
    with caplog.at_level(logging.ERROR):
        told = [next(frames) for _ in range(3)]
    with pytest.raises(gr.Error, match=r"^'Counting failed unexpectedly\.'$"):
        next(frames)
    assert told[-1] == "Counting failed unexpectedly."
    assert "secret" in caplog.text


def test_a_job_that_cannot_start_leaves_the_page_as_it_is() -> None:
    page = Page()

    def full() -> Job[int]:
        raise ConfigError("Full; try again.")

    with pytest.raises(gr.Error, match="Full; try again"):
        next(stream(page.jobs, visit(), full, Words()))


def test_a_toast_tells_expected_errors_only() -> None:
    with pytest.raises(gr.Error, match="Choose one"), toasts():
        raise ConfigError("Choose one.")
    with pytest.raises(ZeroDivisionError), toasts():
        raise ZeroDivisionError


def test_frames_are_closed_with_the_reader() -> None:
    closed = threading.Event()

    def frames() -> Iterator[int]:
        try:
            yield from count()
        finally:
            closed.set()

    told = with_errors_told(frames(), str, "unexpected")
    next(told)
    told.close()  # type: ignore[attr-defined]
    assert closed.is_set()
