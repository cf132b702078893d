"""Freed memory: kept while something computes, given back afterwards."""

from __future__ import annotations

import platform
from pathlib import Path

import pytest
import torch

from mia_demo.system.allocator import give_memory_back, keep_freed_memory

MEGABYTE = 1 << 20


def resident() -> int:
    """Bytes of this process in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other allocators decide themselves")
def test_freed_memory_is_kept_until_it_is_given_back() -> None:
    keep_freed_memory()
    give_memory_back()
    before = resident()
    tensors = [torch.ones(MEGABYTE // 4) for _ in range(100)]
    assert resident() - before > 90 * MEGABYTE
    del tensors
    assert resident() - before > 90 * MEGABYTE
    give_memory_back()
    assert resident() - before < 10 * MEGABYTE
