"""Workers: each thread's arithmetic on one core, results and errors in order."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
import torch

from mia_demo.system.device import Compute
from mia_demo.system.memory import MicroBatches
from mia_demo.system.workers import Workers


@pytest.fixture
def two_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def test_results_come_in_order_from_threads_of_one_core(two_threads: None) -> None:
    crew = Workers(2)
    meeting = threading.Barrier(2)  # passed only by two threads at once

    def work(number: int) -> tuple[int, int]:
        meeting.wait(timeout=60)
        return number, torch.get_num_threads()

    assert crew.map([lambda: work(0), lambda: work(1)]) == [(0, 1), (1, 1)]
    assert torch.get_num_threads() == 2
    later: list[int] = []
    thread = threading.Thread(target=lambda: later.append(torch.get_num_threads()))
    thread.start()
    thread.join()
    assert later == [2]  # threads that start later are not bound to one core


def test_workers_follow_the_callers_grad_mode_and_hand_errors_over() -> None:
    crew = Workers(1)
    with torch.no_grad():
        modes = crew.map([torch.is_grad_enabled])
    assert [*modes, *crew.map([torch.is_grad_enabled])] == [False, True]
    with pytest.raises(ZeroDivisionError):
        crew.map([lambda: 1 // 0])


@pytest.mark.parametrize(
    ("count", "lengths"), [(24, [12, 12]), (7, [4, 3]), (1, [1]), (130, [50, 50, 30])]
)
def test_every_worker_gets_an_equal_share(
    compute: Compute, two_threads: None, count: int, lengths: list[int]
) -> None:
    parts = MicroBatches(compute, 3 * 64**2).run(count, lambda part: part)
    assert [part.stop - part.start for part in parts] == lengths
    assert [row for part in parts for row in range(part.start, part.stop)] == list(range(count))


def test_pictures_on_the_device_at_once_stay_within_its_memory(
    compute: Compute, two_threads: None
) -> None:
    micro_batches = MicroBatches(compute, 3 * 64**2)
    micro_batches.size = 6
    parts = micro_batches.run(20, lambda part: part.stop - part.start)
    assert max(parts) == 3
    micro_batches.size = 1  # too little for two workers: all threads on one picture
    assert micro_batches.run(3, lambda _: torch.get_num_threads()) == [2, 2, 2]


def test_what_lies_between_micro_batches_uses_one_core(compute: Compute, two_threads: None) -> None:
    micro_batches = MicroBatches(compute, 3 * 64**2)
    assert micro_batches.on_one_core(torch.get_num_threads) == 1
    assert torch.get_num_threads() == 2
    torch.set_num_threads(1)
    assert micro_batches.on_one_core(threading.current_thread) is threading.current_thread()


def test_a_workers_error_reaches_the_caller(compute: Compute, two_threads: None) -> None:
    with pytest.raises(ZeroDivisionError):
        MicroBatches(compute, 3 * 64**2).run(8, lambda part: 1 // part.start)
