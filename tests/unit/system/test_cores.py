"""Threads of a training: as many as other programs leave cores."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import torch

from mia_demo.system import cores
from mia_demo.system.cores import FreeCores


@pytest.fixture
def two_threads(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr(cores.os, "cpu_count", lambda: 2)
    monkeypatch.setattr(cores, "FIRST_LOOK_SECONDS", 0)
    yield
    torch.set_num_threads(before)


class Machine:
    """Its clock and its counters, in seconds."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
        self.stat = folder / "stat"
        self.clock = self.own = self.others = 0.0
        monkeypatch.setattr(cores, "STAT", self.stat)
        monkeypatch.setattr(cores.os, "sysconf", lambda _: 100)
        monkeypatch.setattr(cores.time, "perf_counter", lambda: self.clock)
        monkeypatch.setattr(cores.time, "process_time", lambda: self.own)
        self.passes(seconds=1)

    def passes(self, *, seconds: float, own: float = 0, others: float = 0) -> None:
        self.clock, self.own, self.others = (
            self.clock + seconds, self.own + own, self.others + others
        )  # fmt: skip
        busy = round((self.own + self.others) * 100)
        # user, nice, system, idle, waiting for a disk, ...
        self.stat.write_text(f"cpu {busy} 0 0 {round(self.clock * 200) - busy} 7 0 0 0 0 0\ncpu0\n")


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, two_threads: None) -> Machine:
    return Machine(monkeypatch, tmp_path)


def test_a_training_takes_the_cores_that_others_leave(machine: Machine) -> None:
    with closing(FreeCores()) as free:
        machine.passes(seconds=1)
        free.take()
        assert torch.get_num_threads() == 2
        machine.passes(seconds=30, own=30, others=28)
        free.take()
        assert torch.get_num_threads() == 1
        machine.passes(seconds=30, own=30, others=60)  # a load of many: it still goes on
        free.take()
        assert torch.get_num_threads() == 1
        machine.passes(seconds=30, own=30, others=2)
        free.take()
        assert torch.get_num_threads() == 2


def test_the_training_itself_does_not_count_as_load(machine: Machine) -> None:
    with closing(FreeCores()) as free:
        machine.passes(seconds=30, own=58)
        free.take()
        assert torch.get_num_threads() == 2


def test_other_threads_keep_their_number(machine: Machine) -> None:
    seen: list[int] = []

    def look() -> None:
        thread = threading.Thread(target=lambda: seen.append(torch.get_num_threads()))
        thread.start()
        thread.join()

    with closing(FreeCores()) as free:
        machine.passes(seconds=1, others=1)
        free.take()
        look()
        assert torch.get_num_threads() == 1
    look()
    assert torch.get_num_threads() == 2
    assert seen == [2, 2]


def test_the_environment_decides_first(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    with closing(FreeCores()) as free:
        machine.passes(seconds=1, others=2)
        free.take()
        assert torch.get_num_threads() == 2


def test_without_counters_torchs_number_stays(machine: Machine) -> None:
    machine.stat.unlink()
    with closing(FreeCores()) as free:
        free.take()
        assert torch.get_num_threads() == 2
