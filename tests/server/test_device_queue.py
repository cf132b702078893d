"""Visitors who share one device: turns, limits, and readers who have gone."""

from __future__ import annotations

import threading
from collections.abc import Generator

import gradio as gr
import pytest
from gradio.context import LocalContext

from mia_demo.ui.engine import jobs
from mia_demo.ui.engine.device_queue import (
    MAX_JOBS_PER_SESSION,
    MAX_LOOKS_PER_SESSION,
    MAX_WAITING,
    MAX_WAITING_PER_ADDRESS,
    BusyError,
    DeviceQueue,
    Ticket,
    Waiting,
)
from mia_demo.ui.engine.jobs import Job, OverBudgetError
from mia_demo.ui.engine.who_asks import OpenStreams, Visitor, current_visitor


def ticket(session: str, address: str = "", *, is_short: bool = False) -> Ticket:
    visitor = Visitor(session, address or session)
    return Ticket(f"{session}'s attack", visitor, is_short=is_short)


def served(queue: DeviceQueue, tickets: list[Ticket]) -> list[str]:
    """Who gets the device one after the other, told by the ticket's purpose."""
    left, order = list(tickets), []
    while left:
        running = next(one for one in left if queue.waiting(one) is None)
        order.append(running.purpose)
        left.remove(running)
        queue.leave(running)
    return order


def test_who_asks_forty_times_delays_the_others_by_one_job() -> None:
    queue = DeviceQueue()
    flood = [ticket(f"flood {n}", "198.51.100.1") for n in range(MAX_WAITING_PER_ADDRESS)]
    others = [ticket(f"visitor {n}", f"203.0.113.{n}") for n in range(3)]
    for one in [*flood, *others]:
        queue.draw(one)
    places = [queue.waiting(one) for one in others]
    assert [place and place.ahead for place in places] == [1, 2, 3]
    order = served(queue, [*flood, *others])
    assert order[:4] == ["flood 0's attack", *(one.purpose for one in others)]
    assert order[4:] == [one.purpose for one in flood[1:]]


def test_the_place_told_is_the_place_served() -> None:
    queue = DeviceQueue()
    people = [ticket(f"s{n}", f"address {n % 3}") for n in range(9)]
    for one in people:
        queue.draw(one)
    told = {one.purpose: (queue.waiting(one) or Waiting(0, "")).ahead for one in people}
    order = served(queue, people)
    assert [told[purpose] for purpose in order] == list(range(9))


def test_a_classroom_behind_one_address_goes_in_the_order_in_which_it_came() -> None:
    queue = DeviceQueue()
    pupils = [ticket(f"pupil {n}", "192.0.2.1") for n in range(30)]
    for pupil in pupils:
        queue.draw(pupil)
    assert served(queue, pupils) == [pupil.purpose for pupil in pupils]


def test_one_job_runs_and_one_waits_of_a_visitor() -> None:
    queue = DeviceQueue()
    own = [ticket("ada") for _ in range(MAX_JOBS_PER_SESSION)]
    for one in own:
        queue.draw(one)
    with pytest.raises(BusyError, match="one may wait"):
        queue.draw(ticket("ada"))
    for _ in range(MAX_LOOKS_PER_SESSION):
        queue.draw(ticket("ada", is_short=True))
    with pytest.raises(BusyError):
        queue.draw(ticket("ada", is_short=True))
    queue.draw(ticket("bob"))
    own[1].is_given_up = True  # stopped, though its step may still run
    queue.draw(ticket("ada"))


def test_the_room_is_limited_for_an_address_and_for_all_but_not_for_the_owner() -> None:
    queue = DeviceQueue()
    for number in range(MAX_WAITING_PER_ADDRESS + 1):  # the first one runs
        queue.draw(ticket(f"s{number}", "198.51.100.1"))
    with pytest.raises(BusyError, match="your network"):
        queue.draw(ticket("one more", "198.51.100.1"))
    for number in range(MAX_WAITING - MAX_WAITING_PER_ADDRESS):
        queue.draw(Ticket(f"the owner's {number}"))
    with pytest.raises(BusyError, match=f"{MAX_WAITING} jobs are waiting"):
        queue.draw(ticket("somebody", "203.0.113.5"))


class Clock:
    """Time that passes when somebody looks at it, and not otherwise."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, step: float) -> None:
        self.now, self.step = jobs.time.monotonic(), step
        monkeypatch.setattr(jobs.time, "monotonic", self.look)
        monkeypatch.setattr(jobs.time, "sleep", lambda _: None)

    def look(self) -> float:
        self.now += self.step
        return self.now


def endless() -> Generator[int, None, None]:
    number = 0
    while True:
        yield number
        number += 1


@pytest.fixture
def stranger(monkeypatch: pytest.MonkeyPatch) -> Visitor:
    visitor = Visitor("session", "203.0.113.9")
    monkeypatch.setattr(jobs, "current_visitor", lambda: visitor)
    return visitor


@pytest.fixture
def streams(monkeypatch: pytest.MonkeyPatch) -> OpenStreams:
    watched = OpenStreams()
    watched.is_watched = True
    monkeypatch.setattr(jobs, "STREAMS", watched)
    return watched


def test_a_waiting_stream_beats_so_that_a_closed_one_is_noticed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    device, gate = DeviceQueue(), threading.Event()

    def gated() -> Generator[int, None, None]:
        gate.wait()
        yield 0

    first = Job(gated, device, "the first")
    second = Job(endless, device, "the second")
    monkeypatch.setattr(jobs, "QUEUE_POLL_SECONDS", 0.001)
    Clock(monkeypatch, jobs.HEARTBEAT_SECONDS / 2)
    updates = second.updates()
    assert [next(updates) for _ in range(3)] == [Waiting(1, "the first")] * 3
    updates.close()  # what a server does when its reader has gone
    assert second.wait(10)
    third = Ticket("the third")
    device.draw(third)
    assert device.waiting(third) == Waiting(1, "the first")  # the second left its place
    gate.set()
    assert first.wait(10)


def test_a_job_that_nobody_reads_ends(
    stranger: Visitor, streams: OpenStreams, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = Job(endless, DeviceQueue(), "an attack")
    streams.opened(stranger.session)
    updates = job.updates()
    next(updates)
    streams.closed(stranger.session)
    Clock(monkeypatch, 1.0)
    rest = list(updates)
    assert len(rest) <= jobs.UNREAD_SECONDS
    assert job.wait(10)
    assert job.stopped


def test_a_job_whose_stream_is_opened_late_goes_on(
    stranger: Visitor, streams: OpenStreams, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = Job(endless, DeviceQueue(), "an attack")
    updates = job.updates()
    next(updates)  # nobody reads yet
    streams.opened(stranger.session)
    Clock(monkeypatch, 1.0)
    assert [next(updates) is not None for _ in range(20)] == [True] * 20
    updates.close()


def test_a_visitors_job_loses_the_device_after_its_budget(
    stranger: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    Clock(monkeypatch, 1.0)
    job = Job(endless, DeviceQueue(), "an attack", max_seconds=120)
    with pytest.raises(OverBudgetError, match="2 minutes"):
        for _ in job.updates():
            pass


def test_the_owner_has_no_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    Clock(monkeypatch, 1.0)
    job = Job(endless, DeviceQueue(), "an attack", max_seconds=5)
    updates = job.updates()
    assert [next(updates) is not None for _ in range(50)] == [True] * 50
    updates.close()


def test_a_visitor_is_known_by_session_and_address_and_the_owner_is_none() -> None:
    def visitor(host: str, address: str) -> Visitor | None:
        client = {"host": address}
        request = gr.Request(session_hash="tab", headers={"host": host}, client=client)
        token = LocalContext.request.set(request)
        try:
            return current_visitor()
        finally:
            LocalContext.request.reset(token)

    assert visitor("127.0.0.1:7860", "127.0.0.1") is None
    assert visitor("demo.school", "203.0.113.9") == Visitor("tab", "203.0.113.9")
    assert current_visitor() is None  # no request at all
