"""The measured choice of precision, and its note for later starts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from mia_demo.errors import DeviceError
from mia_demo.system import arithmetic
from mia_demo.system.arithmetic import Arithmetic, cpu_arithmetic
from mia_demo.system.device import choose_compute

FAST = Arithmetic("", bfloat16=1.9, transpose=2.0)
SLOW = Arithmetic("", bfloat16=0.8, transpose=0.9)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty note."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.delenv("MIA_PRECISION", raising=False)
    cpu_arithmetic.cache_clear()
    yield arithmetic.cache_file()
    cpu_arithmetic.cache_clear()


def test_it_is_measured_once_per_cpu_and_torch(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = cpu_arithmetic()
    assert json.loads(cache.read_text())["cpu"] == first.cpu
    assert torch.__version__ in first.cpu
    cpu_arithmetic.cache_clear()
    monkeypatch.setattr(arithmetic, "measure", lambda cpu: pytest.fail("measured again"))
    assert cpu_arithmetic() == first
    cpu_arithmetic.cache_clear()
    monkeypatch.setattr(arithmetic, "_cpu_model", lambda: "another")
    monkeypatch.setattr(arithmetic, "measure", lambda cpu: Arithmetic(cpu, 3.0, 1.0))
    assert cpu_arithmetic().bfloat16 == 3.0


def test_a_clock_that_stands_still_on_windows_is_not_asked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(arithmetic.sys, "platform", "win32")
    monkeypatch.setattr(arithmetic.time, "thread_time", lambda: 0.0)
    assert arithmetic.measure("any").transpose > 0


@pytest.mark.parametrize("note", ["", "[]", '{"cpu": 1}'])
def test_a_broken_note_is_measured_anew(cache: Path, note: str) -> None:
    cache.parent.mkdir()
    cache.write_text(note)
    assert cpu_arithmetic().cpu
    assert json.loads(cache.read_text())["cpu"] == cpu_arithmetic().cpu


def test_the_faster_type_is_taken_and_the_reason_told(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (FAST.dtype, SLOW.dtype) == (torch.bfloat16, torch.float32)
    assert (FAST.transposes, SLOW.transposes) == (True, False)
    assert "1.90 times as fast" in FAST.reason
    monkeypatch.setattr("mia_demo.system.device.cpu_arithmetic", lambda: SLOW)
    assert choose_compute("cpu").precision == "fp32"
    monkeypatch.setattr("mia_demo.system.device.cpu_arithmetic", lambda: FAST)
    assert choose_compute("cpu").precision == "bf16"
    monkeypatch.setenv("MIA_PRECISION", "fp32")
    assert choose_compute("cpu").precision == "fp32"
    assert choose_compute("cpu", "bf16").precision == "bf16"
    monkeypatch.setenv("MIA_PRECISION", "fp64")
    with pytest.raises(DeviceError, match="No such precision: 'fp64'"):
        choose_compute("cpu")


def test_a_cpu_without_bfloat16_is_not_asked_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arithmetic, "EXTENSIONS", {})
    measured = arithmetic.measure("old")
    assert (measured.bfloat16, measured.dtype) == (0, torch.float32)
    assert "does not multiply bf16" in measured.reason
