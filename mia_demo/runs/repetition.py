"""A run against a repetition of it: how many values are the same to the bit."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from mia_demo.attack.frames import AttackFrame
from mia_demo.runs.attack_run import AttackRun
from mia_demo.sweep.results import JudgedAttack


@dataclass(frozen=True)
class Repetition:
    """How a repetition compares.

    Attributes:
        what: is compared, in the plural.
        same, total: how many are the same to the bit.
        largest: difference of two values, in words.
    """

    what: str
    same: int
    total: int
    largest: str

    @property
    def is_identical(self) -> bool:
        return self.same == self.total


def pictures_repetition(run: AttackRun, frame: AttackFrame) -> Repetition:
    """Compares an attack's pictures with those of a repetition at the same step.

    Raises:
        DataError: the run's pictures are damaged.
    """
    same = total = largest = 0
    for lane in frame.lanes:
        kept = run.pictures(lane.name)
        again = lane.images[lane.best_first()[: len(kept)]]
        change = np.abs(kept.astype(np.int16) - again.astype(np.int16)).max(axis=(1, 2, 3))
        same += int((change == 0).sum())
        total += len(kept)
        largest = max(largest, int(change.max()))
    return Repetition("pictures", same, total, f"{largest} of 255 in a colour value")


def weights_repetition(kept: Mapping[str, Tensor], again: Mapping[str, Tensor]) -> Repetition:
    """Compares a classifier's weights with those of a repeated training, tensor by tensor."""
    same = total = 0
    largest = 0.0
    for name, tensor in kept.items():
        other = again[name].cpu().to(tensor.dtype)
        same += int((tensor == other).sum())
        total += tensor.numel()
        largest = max(largest, (tensor.double() - other.double()).abs().max().item())
    return Repetition("weights", same, total, f"{largest:.2g}")


def verdicts_repetition(
    kept: Mapping[str, Sequence[JudgedAttack]], again: Mapping[str, Sequence[JudgedAttack]]
) -> Repetition:
    """Compares a sweep's verdicts with those of a repetition, attack by attack."""
    pairs = [pair for lane in kept for pair in zip(kept[lane], again[lane], strict=True)]
    same = sum(one == other for one, other in pairs)
    largest = max(abs(one.acc1 - other.acc1) for one, other in pairs)
    return Repetition("verdicts", same, len(pairs), f"{100 * largest:.0f} points of Acc@1")
