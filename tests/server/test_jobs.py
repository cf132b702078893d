"""Jobs and the device queue, without a server."""

from __future__ import annotations

import threading
from collections.abc import Generator

import pytest

from mia_demo.ui.engine import jobs
from mia_demo.ui.engine.device_queue import DeviceQueue, Waiting
from mia_demo.ui.engine.jobs import Job
from mia_demo.ui.engine.sessions import SessionJobs


def count(until: int, gate: threading.Event | None = None) -> Generator[int, None, None]:
    for number in range(until):
        if gate is not None:
            assert gate.wait(10)
        yield number


def test_every_frame_is_kept_when_asked() -> None:
    job = Job(lambda: count(50), DeviceQueue(), "counting", every_frame=True)
    assert list(job.updates()) == list(range(50))


def test_newest_frame_wins() -> None:
    job = Job(lambda: count(50), DeviceQueue(), "counting")
    assert job.wait(10)
    assert list(job.updates()) == [49]


def test_jobs_run_one_after_the_other() -> None:
    device, gate = DeviceQueue(), threading.Event()
    first = Job(lambda: count(3, gate), device, "the first", every_frame=True)
    second = Job(lambda: count(1), device, "the second")
    updates = second.updates()
    assert next(updates) == Waiting(1, "the first")
    gate.set()
    assert list(updates) == [0]
    assert first.wait(0)


def test_closed_reader_stops_the_job_after_its_step() -> None:
    device, endless = DeviceQueue(), 10**9
    job = Job(lambda: count(endless), device, "an endless job")
    updates = job.updates()
    next(updates)
    updates.close()
    assert job.wait(10)
    assert list(Job(lambda: count(1), device, "the next").updates()) == [0]


def test_waiting_job_can_leave_the_queue() -> None:
    device, gate = DeviceQueue(), threading.Event()
    first = Job(lambda: count(1, gate), device, "the first")
    second = Job(lambda: count(1), device, "the second")
    second.stop()
    assert second.wait(10)
    assert list(second.updates()) == []
    gate.set()
    assert first.wait(10)


def test_error_reaches_the_reader_and_frees_the_device() -> None:
    def broken() -> Generator[int, None, None]:
        yield 1
        raise ZeroDivisionError

    device = DeviceQueue()
    with pytest.raises(ZeroDivisionError):
        list(Job(broken, device, "a broken job").updates())
    assert list(Job(lambda: count(1), device, "the next").updates()) == [0]


def test_a_yielding_job_lets_a_waiting_one_go_first() -> None:
    device, gate, order = DeviceQueue(), threading.Event(), []

    def long() -> Generator[int, None, None]:
        for number in range(3):
            assert gate.wait(10)
            order.append(f"long {number}")
            yield number

    def short() -> Generator[int, None, None]:
        order.append("short")
        yield 0

    first = Job(long, device, "a sweep", every_frame=True, yields_device=True)
    second = Job(short, device, "an attack")
    gate.set()
    assert [frame for frame in second.updates() if not isinstance(frame, Waiting)] == [0]
    assert [frame for frame in first.updates() if not isinstance(frame, Waiting)] == [0, 1, 2]
    assert order == ["long 0", "short", "long 1", "long 2"]


def test_a_job_that_stepped_aside_can_be_stopped() -> None:
    device, gate = DeviceQueue(), threading.Event()
    first = Job(lambda: count(10**9), device, "a sweep", yields_device=True)
    second = Job(lambda: count(1, gate), device, "an attack")
    updates = first.updates()
    while not isinstance(next(updates), Waiting):
        pass
    first.stop()
    assert first.wait(10)
    gate.set()
    assert list(second.updates()) == [0]


def test_memory_is_given_back_when_nobody_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    given_back = threading.Event()
    monkeypatch.setattr(jobs, "give_memory_back", given_back.set)
    device, gate, later = DeviceQueue(), threading.Event(), threading.Event()
    first = Job(lambda: count(1, gate), device, "the first")
    second = Job(lambda: count(1, later), device, "the second")
    gate.set()
    assert first.wait(10)
    assert not given_back.is_set()
    later.set()
    assert second.wait(10)
    assert given_back.wait(10)


def test_nothing_comes_of_a_job_that_was_abandoned_while_its_frame_waited() -> None:
    """What the page shows next must stay."""
    job = Job(lambda: count(10**9), DeviceQueue(), "an endless job")
    updates = job.updates(interval=0.5)
    next(updates)
    threading.Timer(0.1, job.abandon).start()
    assert list(updates) == []


def test_of_two_starts_at_once_one_job_is_left() -> None:
    table: SessionJobs[int] = SessionJobs()
    device, made, never = DeviceQueue(), [], threading.Event()

    def make() -> Job[int]:
        never.wait(0.05)  # as long as the other start needs to overtake this one
        made.append(Job(lambda: count(10**9), device, "an endless job"))
        return made[-1]

    starts = [threading.Thread(target=table.start, args=("ada", make)) for _ in range(2)]
    for start in starts:
        start.start()
    for start in starts:
        start.join()
    first, second = made
    assert table.job_of("ada") is second
    assert first.wait(10)  # it was ended by the second
    table.release("ada")
    assert second.wait(10)
