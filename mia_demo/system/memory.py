"""Processes many images in micro-batches that fit the device's memory."""

import logging
from collections.abc import Callable
from functools import partial
from typing import TypeVar

import torch

from mia_demo.system.device import Compute
from mia_demo.system.workers import workers

log = logging.getLogger(__name__)

# Pixels at once that keep a device busy: more would cost memory and save no time. Five images of
# 1024 px on CUDA, one on a CPU.
PIXELS_AT_ONCE = {"cuda": 6_300_000, "mps": 2_500_000, "cpu": 1_250_000}
# torch's messages on CPU, Windows and Apple's GPU, where it has no exception class of its own.
OUT_OF_MEMORY = ("can't allocate memory", "not enough memory", "out of memory")

_Result = TypeVar("_Result")


class MicroBatches:
    """Splits work into micro-batches, halved for good whenever the device runs out of memory.

    On a CPU with several threads they are shared out to workers of one thread each, as many at
    once as the memory for ``PIXELS_AT_ONCE`` holds.

    Args:
        compute: the device.
        pixels: per image, summed over all networks that process it.

    Attributes:
        size: pictures that may be on the device together.
    """

    def __init__(self, compute: Compute, pixels: int) -> None:
        self.compute = compute
        self.size = max(1, PIXELS_AT_ONCE[compute.device.type] // pixels)

    def run(self, count: int, work: Callable[[slice], _Result]) -> list[_Result]:
        """Results of ``work`` on consecutive slices of 0..count; a failed slice is repeated.

        Raises:
            torch.OutOfMemoryError: a single image does not fit.
        """
        threads = self._threads()
        if threads == 1 or count < threads or self.size < threads:
            return self._one_by_one(slice(0, count), work)
        # An equal share for each worker, or several where memory asks for smaller ones. A core that
        # another program shares ends late; then its worker moves to a core that is free again.
        length = min(-(-count // threads), self.size // threads)
        parts = [slice(at, min(at + length, count)) for at in range(0, count, length)]
        tasks = [partial(self._one_by_one, part, work) for part in parts]
        return [result for some in workers(threads).map(tasks) for result in some]

    def on_one_core(self, work: Callable[[], _Result]) -> _Result:
        """Result of ``work`` between micro-batches, on all pictures at once.

        Short operations on many numbers: two cores gain nothing, and beside a busy one each of
        them would wait until both have had their turn.
        """
        threads = self._threads()
        return work() if threads == 1 else workers(threads).map([work])[0]

    def _threads(self) -> int:
        return torch.get_num_threads() if self.compute.device.type == "cpu" else 1

    def _one_by_one(self, whole: slice, work: Callable[[slice], _Result]) -> list[_Result]:
        results: list[_Result] = []
        start = whole.start
        while start < whole.stop:
            part = slice(start, min(start + self.size, whole.stop))
            try:
                results.append(work(part))
                start = part.stop
                continue
            except RuntimeError as error:
                if not is_out_of_memory(error):
                    raise
                if part.stop - start == 1:
                    raise torch.OutOfMemoryError(str(error)) from error
            # Outside the handler, where the failed slice's tensors are freed.
            self._halve(part.stop - start)
        return results

    def _halve(self, failed: int) -> None:
        self.size = min(self.size, failed // 2)
        log.warning(
            "Out of memory with %d pictures at once; continuing with %d at once (the results stay "
            "the same).",
            failed, self.size,
        )  # fmt: skip
        if self.compute.device.type == "cuda":
            torch.cuda.empty_cache()


def is_out_of_memory(error: RuntimeError) -> bool:
    return isinstance(error, torch.OutOfMemoryError) or any(
        sign in str(error) for sign in OUT_OF_MEMORY
    )
