"""Portions: all the work once, halved when memory runs out."""

from __future__ import annotations

import pytest
import torch

from mia_demo.system.device import Compute
from mia_demo.system.memory import Portions, is_out_of_memory

CPU_MESSAGE = "[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory"


def portions_of(compute: Compute, size: int) -> Portions:
    portions = Portions(compute, 1)
    portions.size = size
    return portions


def test_portions_cover_everything_once(compute: Compute) -> None:
    portions = portions_of(compute, 4)
    assert portions.run(10, lambda part: (part.start, part.stop)) == [(0, 4), (4, 8), (8, 10)]


def test_a_portion_holds_one_picture_of_1024_pixels_on_a_cpu(compute: Compute) -> None:
    assert Portions(compute, 1024**2 + 2 * 299**2).size == 1
    assert Portions(compute, 64**2 + 2 * 64**2).size > 75  # the embedded zoo's paper preset


@pytest.mark.parametrize("error", [torch.OutOfMemoryError("CUDA"), RuntimeError(CPU_MESSAGE)])
def test_too_little_memory_halves_the_portion_for_good_and_says_so(
    compute: Compute, caplog: pytest.LogCaptureFixture, error: RuntimeError
) -> None:
    portions = portions_of(compute, 8)

    def work(part: slice) -> list[int]:
        if part.stop - part.start > 3:
            raise error
        return list(range(part.start, part.stop))

    done = portions.run(9, work)
    assert [number for part in done for number in part] == list(range(9))
    assert portions.size == 2
    assert [record.message for record in caplog.records] == [
        "Out of memory with 8 pictures at once; going on with 4 at once (the results stay the "
        "same).",
        "Out of memory with 4 pictures at once; going on with 2 at once (the results stay the "
        "same).",
    ]
    caplog.clear()
    portions.run(9, work)
    assert not caplog.records  # it remembers


def test_one_picture_too_much_is_an_out_of_memory_error(compute: Compute) -> None:
    def work(part: slice) -> None:
        raise RuntimeError(CPU_MESSAGE)

    with pytest.raises(torch.OutOfMemoryError, match="can't allocate"):
        portions_of(compute, 4).run(4, work)


def test_other_failures_are_not_retried(compute: Compute) -> None:
    def work(part: slice) -> None:
        raise RuntimeError("size mismatch")

    with pytest.raises(RuntimeError, match="size mismatch"):
        portions_of(compute, 4).run(4, work)


def test_torchs_own_refusal_is_recognised() -> None:
    with pytest.raises(RuntimeError) as failure:
        torch.empty(2**55, dtype=torch.uint8)
    assert is_out_of_memory(failure.value)
