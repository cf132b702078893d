"""Curves as SVG polylines."""

import math
from collections.abc import Sequence

MAX_POINTS = 200  # of a curve: more than a screen shows


def polyline(values: Sequence[float], total: int, low: float, high: float) -> str:
    """SVG points in a 100 x 100 box: the first of ``total`` steps at the left, ``high`` on top.

    Missing values (nan) are left out, values outside the range are clipped.
    """
    stride = math.ceil(max(len(values), 1) / MAX_POINTS)
    last = len(values) - 1
    return polyline_at(
        [
            (100 * step / max(total - 1, 1), value)
            for step, value in enumerate(values)
            if step % stride == 0 or step == last
        ],
        low,
        high,
    )


def polyline_at(points_at: Sequence[tuple[float, float]], low: float, high: float) -> str:
    """``polyline`` of values with their x, 0 to 100."""
    points = []
    for x, value in points_at:
        if math.isnan(value):
            continue
        y = 100 * (high - min(max(value, low), high)) / (high - low)
        points.append(f"{x:.1f},{y:.1f}")
    return " ".join(points)
