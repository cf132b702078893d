"""What is remembered of an attack while it runs and after it."""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from mia_demo.attack.config import AttackConfig
from mia_demo.attack.frames import AttackFrame
from mia_demo.runs.saver import AttackSaver


@dataclass(frozen=True)
class Curves:
    """Each lane's history, step by step. Lists only grow, so any thread may read them."""

    target_confidence: dict[str, list[float]]
    gradient_cosine: dict[str, list[float]]


@dataclass(frozen=True)
class Tracked:
    """A frame with the curves so far, which include frames that were dropped."""

    frame: AttackFrame
    curves: Curves
    saver: AttackSaver | None = None  # keeps the attack, once its job is over, if it is to be kept


@dataclass(frozen=True)
class FinishedAttack:
    """What is remembered of a visitor's attack: curves and kept pictures per lane, best first.

    Attributes:
        images: by lane, uint8 [K, R, R, 3] with K at most ``SHOWN``.
        top1: by lane, the identity that the evaluator sees in the best picture.
    """

    config: AttackConfig
    curves: Curves
    images: dict[str, npt.NDArray[np.uint8]]
    top1: dict[str, int] = field(default_factory=dict)
