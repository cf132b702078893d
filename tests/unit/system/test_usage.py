"""How much memory is said to be in use."""

from __future__ import annotations

import mmap

import pytest
import torch

from mia_demo.system.device import Compute
from mia_demo.system.usage import DeviceMemory, device_memory, process_bytes


def test_memory_that_is_taken_up_is_seen() -> None:
    before = process_bytes()
    with mmap.mmap(-1, 50_000_000) as fresh:  # an array might get memory that was freed before
        fresh.write(b"\1" * len(fresh))
        after = process_bytes()
        assert before is not None
        assert after is not None
        assert after - before >= 0.9 * len(fresh)


def test_a_cpu_has_no_memory_of_its_own() -> None:
    assert device_memory(Compute(torch.device("cpu"), torch.float32)) is None


def test_a_gpu_is_asked_once_this_process_uses_it(monkeypatch: pytest.MonkeyPatch) -> None:
    compute = Compute(torch.device("cuda", 0), torch.bfloat16)
    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: False)
    assert device_memory(compute) is None
    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: True)
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda _: (60_000, 80_000))
    monkeypatch.setattr(torch.cuda, "memory_reserved", lambda _: 5_000)
    assert device_memory(compute) == DeviceMemory(5_000, 80_000)
