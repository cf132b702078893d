"""What a sweep keeps of each attack: a sheet of pictures, and its figures."""

from pathlib import Path
from typing import TypedDict

import numpy as np
from PIL import Image

from mia_demo.attack.frames import AttackFrame
from mia_demo.system.files import replacing


class CurvePoint(TypedDict):
    """What a lane's curve shows of one optimisation step.

    Means over the up to ``SHOWN`` candidates of a chunk that started best; the confidence is the
    smoothed one.
    """

    step: int
    acc1: float
    target_confidence: float
    gradient_cosine: float | None


class LaneResult(TypedDict):
    """A lane's figures, and its verdict (see ``metrics.judge.Verdict``)."""

    alpha: float
    test_accuracy: float | None
    target_confidence: float
    curve: list[CurvePoint]
    top1: list[int]
    acc1: float
    acc5: float
    delta_eval: float
    delta_face: float
    nearest: list[int]


class SavedAttack(TypedDict):
    """The figures of one attack.

    Attributes:
        judges: sha256 of the networks that gave the verdicts.
    """

    identity: int
    seed: int
    seconds: float
    judges: dict[str, str]
    lanes: dict[str, LaneResult]


def save_sheet(path: Path, frame: AttackFrame) -> None:
    """One row per lane, best reconstruction first; PNG loses nothing."""
    rows = [np.concatenate(list(lane.images), axis=1) for lane in frame.lanes]
    with replacing(path) as temporary:
        Image.fromarray(np.concatenate(rows, axis=0)).save(temporary, format="PNG")
