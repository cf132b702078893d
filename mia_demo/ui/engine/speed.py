"""How fast this device is, measured on what it has computed so far."""

import itertools
import threading
import time
from collections import defaultdict, deque
from collections.abc import Generator, Iterable
from statistics import median

from mia_demo.attack.config import AttackConfig
from mia_demo.attack.frames import AttackFrame
from mia_demo.attack.methods import METHODS

REMEMBERED = 20  # newest measurements per size: a device may be shared, or throttle

Sizes = dict[int, deque[float]]


class SpeedMeter:
    """Seconds by kind of work and its size; any thread may measure and ask."""

    def __init__(self) -> None:
        self._measured: dict[str, Sizes] = defaultdict(dict)
        self._lock = threading.Lock()

    def note(self, kind: str, size: int, seconds: float) -> None:
        with self._lock:
            sizes = self._measured[kind]
            sizes.setdefault(size, deque(maxlen=REMEMBERED)).append(seconds)

    def seconds(self, kind: str, size: int) -> float | None:
        """Estimated seconds for work of this size; None before any of the kind was measured.

        Linear in the size, inside and outside the measured range: a fixed cost per step plus a
        cost per picture.
        """
        with self._lock:
            known = sorted((s, median(times)) for s, times in self._measured[kind].items())
        if not known:
            return None
        if len(known) == 1:
            measured, seconds = known[0]
            return seconds * size / measured
        pairs = list(itertools.pairwise(known))
        below, above = next((pair for pair in pairs if size <= pair[1][0]), pairs[-1])
        slope = max(0.0, (above[1] - below[1]) / (above[0] - below[0]))
        return max(0.0, below[1] + slope * (size - below[0]))

    def attack_seconds(self, config: AttackConfig) -> float | None:
        """How long an attack takes, not counting the queue."""
        lanes = len(config.lanes)
        # Measured with the gradient through one view.
        more = METHODS[config.method].passes(config) / (2 * config.candidates)
        total = 0.0
        for chunk in chunk_sizes(config):
            step = self.seconds("step", lanes * chunk)
            if step is None:
                return None
            total += config.steps * step * more
        views = lanes * config.candidates * config.selection_rounds
        selection = self.seconds("selection", views)
        return None if selection is None else total + selection


class StepClock:
    """Time left of long work, from its steps in this sitting but for the first ``untimed``."""

    def __init__(self, untimed: int = 0) -> None:
        self._seconds = 0.0
        self._steps = -untimed
        self.resume()

    def resume(self) -> None:
        """Other visitors' time, between two steps, is not ours."""
        self._resumed_at = time.monotonic()

    def left_after_step(self, missing: int) -> float | None:
        self._steps += 1
        if self._steps <= 0:
            return None
        self._seconds += time.monotonic() - self._resumed_at
        return missing * self._seconds / self._steps


def chunk_sizes(config: AttackConfig) -> list[int]:
    """Sizes of the chunks in which a lane's candidates are optimised, one after the other."""
    full, rest = divmod(config.candidates, config.batch_size)
    return [config.batch_size] * full + ([rest] if rest else [])


def measured(
    frames: Iterable[AttackFrame], config: AttackConfig, meter: SpeedMeter
) -> Generator[AttackFrame, None, None]:
    """The frames of an attack, whose speed is noted."""
    lanes, chunks = len(config.lanes), chunk_sizes(config)
    before: AttackFrame | None = None
    for frame in frames:
        if before is not None and before.lanes:
            spent = frame.seconds - before.seconds
            if frame.stage == before.stage == "optimisation":
                chunk = chunks[(frame.step - 1) // config.steps]
                meter.note("step", lanes * chunk, spent)
            elif frame.is_last:
                views = lanes * config.candidates * config.selection_rounds
                meter.note("selection", views, spent)
        before = frame
        yield frame


def spoken(seconds: float) -> str:
    """``about 12 s``, ``about 3 min``, ``about 2 h``: no more exact than an estimate can be."""
    if seconds < 1:
        return "less than a second"
    if seconds < 90:
        return f"about {seconds:.0f} s"
    if seconds < 5400:
        return f"about {seconds / 60:.0f} min"
    return f"about {seconds / 3600:.1f} h"
