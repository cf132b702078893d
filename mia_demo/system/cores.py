"""How many cores the rest of the machine leaves to a training.

An operation's threads wait for each other, and beside a busy core each wait lasts until the slower
one is given a core again: two threads for two cores, one of them taken, are then slower than one.
"""

from __future__ import annotations

import os
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import torch

STAT = Path("/proc/stat")
FIRST_LOOK_SECONDS = 0.1


@dataclass(frozen=True)
class _Reading:
    """Processor seconds until now, of all programs together and of this one, and the clock."""

    all: float
    own: float
    clock: float

    @staticmethod
    def now() -> _Reading | None:
        """None where the system does not tell."""
        try:
            ticks = [int(word) for word in STAT.read_text().splitlines()[0].split()[1:9]]
        except (OSError, ValueError, IndexError):
            return None
        busy = sum(ticks) - ticks[3] - ticks[4]  # all but idle, and waiting for a disk
        return _Reading(busy / os.sysconf("SC_CLK_TCK"), time.process_time(), time.perf_counter())


class FreeCores:
    """Chooses this thread's number of OpenMP threads anew from time to time.

    As many as torch has, or as cores were free of other programs' work since the last choice.
    OMP_NUM_THREADS fixes the number, and with it the last bits of what is computed.
    """

    def __init__(self) -> None:
        self._most = torch.get_num_threads()
        self._fixed = self._most == 1 or "OMP_NUM_THREADS" in os.environ
        self._last = None if self._fixed else _Reading.now()
        if self._last:
            time.sleep(FIRST_LOOK_SECONDS)

    def take(self) -> None:
        last, self._last = self._last, _Reading.now() if self._last else None
        if last and self._last:
            seconds = self._last.clock - last.clock
            others = (self._last.all - last.all) - (self._last.own - last.own)
            free = (os.cpu_count() or 1) - others / seconds
            _use_threads(min(self._most, max(1, round(free))), everybody_else=self._most)

    def close(self) -> None:
        if not self._fixed:
            torch.set_num_threads(self._most)


def _use_threads(count: int, *, everybody_else: int) -> None:
    """Sets this thread's number without changing later threads'."""
    torch.set_num_threads(count)
    restore = threading.Thread(target=torch.set_num_threads, args=[everybody_else])
    restore.start()
    restore.join()
