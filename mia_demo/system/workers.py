"""Threads that compute micro-batches, each with one core's arithmetic.

PyTorch splits every single operation over OpenMP's threads, which then wait for each other, a
thousand times per attack step. On a busy machine each wait lasts until the other thread is given a
core again, and a step takes ten times as long. Workers wait once per step, for the last of them,
and whoever is left alone with its micro-batch may use the cores of the others.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from functools import lru_cache
from queue import SimpleQueue
from typing import TypeVar

import torch

_Task = Callable[[], None]
_Result = TypeVar("_Result")


class Workers:
    """A fixed number of threads whose operations run on one core each."""

    def __init__(self, count: int) -> None:
        self._tasks: SimpleQueue[_Task] = SimpleQueue()
        threads = torch.get_num_threads()
        ready = threading.Barrier(count + 1)
        for number in range(count):
            name = f"micro-batches {number}"
            threading.Thread(target=self._work, args=(ready,), name=name, daemon=True).start()
        ready.wait()
        # The number is each thread's own, but the last one set is also what later threads get.
        torch.set_num_threads(threads)

    def _work(self, ready: threading.Barrier) -> None:
        torch.get_num_threads()  # sets a new thread's number to everybody's, and only once
        torch.set_num_threads(1)
        ready.wait()
        while True:
            self._tasks.get()()

    def map(self, works: Sequence[Callable[[], _Result]]) -> list[_Result | Exception]:
        """The result of each, or what it raised; under the caller's grad mode."""
        results: list[_Result | Exception] = [RuntimeError("not computed")] * len(works)
        done: SimpleQueue[None] = SimpleQueue()
        grad_enabled = torch.is_grad_enabled()

        def task(index: int) -> None:
            try:
                with torch.set_grad_enabled(grad_enabled):
                    results[index] = works[index]()
            except Exception as error:  # the caller raises it, or tries again in smaller pieces
                results[index] = error
            finally:
                done.put(None)

        for index in range(len(works)):
            self._tasks.put(lambda index=index: task(index))  # type: ignore[misc]
        for _ in works:
            done.get()
        return results


@lru_cache(maxsize=4)
def workers(count: int) -> Workers:
    """The process's own; started at first use."""
    return Workers(count)
