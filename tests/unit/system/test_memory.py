"""Micro-batches: all the work once, halved when memory runs out."""

from __future__ import annotations

import pytest
import torch

from mia_demo.system.device import Compute
from mia_demo.system.memory import MicroBatches, is_out_of_memory

CPU_MESSAGE = "[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory"


def micro_batches_of(compute: Compute, size: int) -> MicroBatches:
    micro_batches = MicroBatches(compute, 1)
    micro_batches.size = size
    return micro_batches


def test_micro_batches_cover_everything_once(compute: Compute) -> None:
    micro_batches = micro_batches_of(compute, 4)
    assert micro_batches.run(10, lambda part: (part.start, part.stop)) == [(0, 4), (4, 8), (8, 10)]


def test_a_portion_holds_one_picture_of_1024_pixels_on_a_cpu(compute: Compute) -> None:
    assert MicroBatches(compute, 1024**2 + 2 * 299**2).size == 1
    assert MicroBatches(compute, 64**2 + 2 * 64**2).size > 75  # the embedded zoo's paper preset


@pytest.mark.parametrize("error", [torch.OutOfMemoryError("CUDA"), RuntimeError(CPU_MESSAGE)])
def test_too_little_memory_halves_the_portion_for_good_and_says_so(
    compute: Compute, caplog: pytest.LogCaptureFixture, error: RuntimeError
) -> None:
    micro_batches = micro_batches_of(compute, 8)

    def work(part: slice) -> list[int]:
        if part.stop - part.start > 3:
            raise error
        return list(range(part.start, part.stop))

    done = micro_batches.run(9, work)
    assert [number for part in done for number in part] == list(range(9))
    assert micro_batches.size == 2
    assert [record.message for record in caplog.records] == [
        "Out of memory with 8 pictures at once; continuing with 4 at once (the results stay the "
        "same).",
        "Out of memory with 4 pictures at once; continuing with 2 at once (the results stay the "
        "same).",
    ]
    caplog.clear()
    micro_batches.run(9, work)
    assert not caplog.records  # it remembers


def test_one_picture_too_much_is_an_out_of_memory_error(compute: Compute) -> None:
    def work(part: slice) -> None:
        raise RuntimeError(CPU_MESSAGE)

    with pytest.raises(torch.OutOfMemoryError, match="can't allocate"):
        micro_batches_of(compute, 4).run(4, work)


def test_other_failures_are_not_retried(compute: Compute) -> None:
    def work(part: slice) -> None:
        raise RuntimeError("size mismatch")

    with pytest.raises(RuntimeError, match="size mismatch"):
        micro_batches_of(compute, 4).run(4, work)


def test_torchs_own_refusal_is_recognised() -> None:
    with pytest.raises(RuntimeError) as failure:
        torch.empty(2**55, dtype=torch.uint8)
    assert is_out_of_memory(failure.value)
