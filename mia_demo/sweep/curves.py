"""How an attack came along, step by step, and the mean over many attacks."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from mia_demo.attack.frames import AttackFrame
from mia_demo.errors import DataError

CURVE_FIGURES = ("acc1", "target_confidence", "gradient_cosine")


def curve_points(frame: AttackFrame, identity: int, steps: int) -> list[dict[str, Any]]:
    """A point for each lane; none for stages but the optimisation.

    Args:
        steps: of each chunk of candidates; chunks take them one after the other.
    """
    if frame.stage != "optimisation":
        return []
    points: list[dict[str, Any]] = []
    for lane in frame.lanes:
        hits = [seen == identity for seen in lane.evaluator_top1]
        cosine = lane.gradient_cosine
        point = {
            "step": (frame.step - 1) % steps,  # updates so far
            "acc1": sum(hits) / len(hits),
            "target_confidence": sum(lane.confidences) / len(lane.confidences),
            "gradient_cosine": None if math.isnan(cosine) else cosine,
        }
        points.append(point)
    return points


def over_chunks(points: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """One point for each step, from those of all chunks."""
    starts = [position for position, point in enumerate(points) if point["step"] == 0]
    ends = [*starts[1:], len(points)]
    return mean_curve([points[start:end] for start, end in zip(starts, ends, strict=True)])


def mean_curve(curves: Sequence[Sequence[dict[str, Any]]]) -> list[dict[str, Any]]:
    """Point by point, the mean over curves; None where none has a figure.

    Raises:
        DataError: they have not the same steps.
    """
    if len({len(curve) for curve in curves}) > 1:
        raise DataError("The attacks of this sweep are damaged: their curves differ in length.")
    points = []
    for same_step in zip(*curves, strict=True):
        point: dict[str, Any] = {"step": same_step[0]["step"]}
        for key in CURVE_FIGURES:
            known = [entry[key] for entry in same_step if entry[key] is not None]
            point[key] = float(np.mean(known)) if known else None
        points.append(point)
    return points
