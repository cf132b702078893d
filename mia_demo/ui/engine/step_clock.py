"""Tells the time left of a training."""

from __future__ import annotations

import time

from mia_demo.training.classifier import TrainingFrame

UNTIMED_STEPS = 3  # too slow to tell the time left by


class StepClock:
    """Time left, from the steps of this sitting."""

    def __init__(self) -> None:
        self._seconds = 0.0
        self._steps = 0
        self.resume()

    def resume(self) -> None:
        self._resumed_at = time.monotonic()

    def left_after(self, frame: TrainingFrame) -> float | None:
        self._steps += 1
        if self._steps <= UNTIMED_STEPS:
            return None
        self._seconds += time.monotonic() - self._resumed_at
        mean = self._seconds / (self._steps - UNTIMED_STEPS)
        return mean * (frame.total_steps - frame.step)
