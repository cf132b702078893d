"""Numbers and pixels as the browser wants them: data URIs and polylines."""

from __future__ import annotations

import base64
import io
import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from PIL import Image

JPEG_QUALITY = 85  # 0.1 ms and 2 KB for 64 pixels; PNG costs eight times both
MAX_POINTS = 200  # of a curve: more than a screen shows


def data_uri(pixels: npt.NDArray[np.uint8]) -> str:
    """uint8 [H, W, 3] -> a JPEG that needs no request."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=JPEG_QUALITY)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")


def polyline(values: Sequence[float], total: int, low: float, high: float) -> str:
    """SVG points in a 100 x 100 box: the first of ``total`` steps at the left, ``high`` on top.

    Missing values (nan) are left out, values outside the range are clipped.
    """
    stride = math.ceil(max(len(values), 1) / MAX_POINTS)
    last = len(values) - 1
    points = []
    for step, value in enumerate(values):
        if math.isnan(value) or (step % stride and step != last):
            continue
        x = 100 * step / max(total - 1, 1)
        y = 100 * (high - min(max(value, low), high)) / (high - low)
        points.append(f"{x:.1f},{y:.1f}")
    return " ".join(points)
