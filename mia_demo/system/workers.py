"""Threads that compute micro-batches, each with one core's arithmetic.

PyTorch splits every single operation over OpenMP's threads, which then wait for each other, a
thousand times per attack step. On a busy machine each wait lasts until the other thread is given a
core again, and a step takes ten times as long. Workers wait once per step, for the last of them,
and one beside a busy core moves to a core that is free.
"""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import TypeVar

import torch

_Result = TypeVar("_Result")


class Workers:
    """A fixed number of threads whose operations run on one core each."""

    def __init__(self, count: int) -> None:
        threads = torch.get_num_threads()
        self._pool = ThreadPoolExecutor(count, "micro-batches", initializer=_take_one_core)
        together = threading.Barrier(count)  # so that all of them start now
        for ready in [self._pool.submit(together.wait) for _ in range(count)]:
            ready.result()
        # The number is each thread's own, but the last one set is also what later threads get.
        torch.set_num_threads(threads)

    def map(self, works: Sequence[Callable[[], _Result]]) -> list[_Result]:
        """The result of each in order, under the caller's grad mode; raises what one raised."""
        grad_enabled = torch.is_grad_enabled()

        def run(work: Callable[[], _Result]) -> _Result:
            with torch.set_grad_enabled(grad_enabled):
                return work()

        return list(self._pool.map(run, works))


def _take_one_core() -> None:
    torch.get_num_threads()  # its first call in a thread applies the global number
    torch.set_num_threads(1)


@lru_cache(maxsize=4)
def workers(count: int) -> Workers:
    """The process's own; started at first use."""
    return Workers(count)
