"""The two-dimensional example for visitors: networks are trained once for all, walks on demand."""

import base64
import threading
from collections import OrderedDict
from collections.abc import Generator
from typing import Any

import numpy as np
import numpy.typing as npt
from torch import nn

from mia_demo.errors import ConfigError, DemoError
from mia_demo.toy import (
    ENOUGH_CONFIDENCE,
    PAPER_WALKS,
    SIDE,
    START,
    TARGET_CLASS,
    TRAINING_STEPS,
    blobs,
    landscape,
    measure_walk,
    train_network,
)
from mia_demo.ui.engine.device_queue import DeviceQueue
from mia_demo.ui.engine.jobs import Job

MIN_TOY_ALPHA, MAX_TOY_ALPHA = -0.2, 0.3
CELLS = 80  # of the landscape in each direction
# Most of the landscape forms early.
SNAPSHOT_STEPS = (
    *(1, 5, 10, 20, 35, 50, 75, 100, 150, 200, 300, 400, 500, 700, 900),
    *(1200, 1600, 2000, 2500, 3000, 3500, 4000, 4500, TRAINING_STEPS),
)
MAX_NETWORKS = 16  # kept with their snapshots, half a megabyte each


class ToyTraining:
    """One network in training, or trained. Its snapshots only grow, so any thread may read them."""

    def __init__(self, alpha: float, queue: DeviceQueue) -> None:
        self.alpha = alpha
        self.snapshots: list[dict[str, Any]] = []
        self.network: nn.Module | None = None
        self.job: Job[dict[str, Any]] = Job(self._train, queue, "another training", is_short=True)

    def _train(self) -> Generator[dict[str, Any], None, None]:
        for step, (network, loss) in enumerate(train_network(self.alpha), start=1):
            if step in SNAPSHOT_STEPS:
                self.snapshots.append(_snapshot(step, loss, landscape(network, CELLS)))
                yield self.snapshots[-1]
        self.network = network.eval()


class ToyLab:
    """Trains at most one network at a time and keeps the last ones."""

    def __init__(self) -> None:
        # Tiny networks on the CPU: they wait for each other, not for attacks on the device.
        self._queue = DeviceQueue()
        self._lock = threading.Lock()
        self._walking = threading.Lock()
        self._trainings: OrderedDict[float, ToyTraining] = OrderedDict()

    def scene(self) -> dict[str, Any]:
        """The data, the paper's start and figures, the range of alpha and the first one."""
        points, labels = blobs()
        return {
            "alpha": 0,
            "points": [
                [round(x, 2), round(y, 2), label]
                for (x, y), label in zip(points.tolist(), labels.tolist(), strict=True)
            ],
            "side": SIDE,
            "cells": CELLS,
            "start": START,
            "target": TARGET_CLASS,
            "enough": ENOUGH_CONFIDENCE,
            "snapshots": len(SNAPSHOT_STEPS),
            "training_steps": TRAINING_STEPS,
            "alphas": [MIN_TOY_ALPHA, MAX_TOY_ALPHA],
            "paper": [
                {"alpha": alpha, "steps": steps, "distance": distance}
                for alpha, (steps, distance) in sorted(PAPER_WALKS.items())
            ],
        }

    def train(self, alpha: float, seen: int) -> dict[str, Any]:
        """The landscapes of this factor's training after the first ``seen``, so far.

        Raises:
            ConfigError: the factor is out of range.
            BusyError: too many trainings wait.
        """
        training = self._training(alpha)
        if training.job.wait(0) and training.network is None:
            with self._lock:
                self._trainings.pop(training.alpha, None)
            raise DemoError("The training failed; choose the smoothing factor once more.")
        return {
            "is_done": training.network is not None,  # read first: then no snapshot is missing
            "is_waiting": not training.snapshots,
            "snapshots": training.snapshots[max(int(seen), 0) :],
        }

    def walk(self, alpha: float, x: float, y: float) -> dict[str, Any]:
        """The attack from (x, y) on this factor's trained network.

        Raises:
            ConfigError: a value out of range, or the network is still being trained.
        """
        network = self._training(alpha).network
        if network is None:
            raise ConfigError("The network is still being trained; walk when it is done.")
        if not (abs(x) <= SIDE and abs(y) <= SIDE):
            raise ConfigError(f"The start must lie between -{SIDE:g} and {SIDE:g}, not {x}, {y}.")
        with self._walking:  # one at a time: a walk may take ten thousand steps
            walk = measure_walk(network, (float(x), float(y)))  # JSON knows no 3.0, only 3
        return {
            "path": [[round(px, 3), round(py, 3)] for px, py in walk.path],
            "confidences": [round(confidence, 4) for confidence in walk.confidences],
            "steps": walk.steps,
            "distance": round(walk.distance, 2),
            "is_confident": walk.is_confident,
        }

    def _training(self, alpha: float) -> ToyTraining:
        if not MIN_TOY_ALPHA <= alpha <= MAX_TOY_ALPHA:
            raise ConfigError(
                f"Here the smoothing factor lies between {MIN_TOY_ALPHA} and {MAX_TOY_ALPHA}, "
                f"not {alpha}."
            )
        key = round(alpha, 2) + 0.0  # no minus zero
        with self._lock:
            if key not in self._trainings:
                self._trainings[key] = ToyTraining(key, self._queue)
            self._trainings.move_to_end(key)
            finished = [k for k, t in self._trainings.items() if t.network is not None]
            for old in finished[: max(len(self._trainings) - MAX_NETWORKS, 0)]:
                del self._trainings[old]
            return self._trainings[key]


def _snapshot(step: int, loss: float, probabilities: npt.NDArray[np.float32]) -> dict[str, Any]:
    """The landscape after a training step.

    Returns:
        ``loss``: smoothed training loss; below zero for negative factors. ``unsure``: share of the
        plane where no class has more than 95 %. ``plane``: base64 of uint8 [cells, cells, 2]: the
        winning class, its softmax value x 255.
    """
    confidence = probabilities.max(axis=2)
    winner = probabilities.argmax(axis=2)
    plane = np.stack([winner, np.rint(confidence * 255)], axis=2).astype(np.uint8)
    return {
        "step": step,
        "loss": round(loss, 4),
        "unsure": round(float((confidence < ENOUGH_CONFIDENCE).mean()), 3),
        "plane": base64.b64encode(plane.tobytes()).decode("ascii"),
    }
