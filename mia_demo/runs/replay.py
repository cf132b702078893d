"""The recording of an attack: each lane's best picture, step by step, with its figures.

All pictures lie in one WebP, lane by lane: far smaller than a file each, and one request.
"""

from __future__ import annotations

import io
import json
import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from mia_demo.attack.frames import AttackFrame, LaneFrame
from mia_demo.data.pictures import sprite
from mia_demo.errors import DataError
from mia_demo.system.files import write_bytes, write_json

PICTURES_FILE = "replay.webp"
FIGURES_FILE = "replay.json"
MAX_STEPS = 60  # recorded of an optimisation, evenly spread
LARGEST = 128  # pixels of a recorded picture
COLUMNS = 16  # of the sheet; WebP allows 16,383 pixels each way
QUALITY = 85


@dataclass(frozen=True)
class LaneMoment:
    """A lane's best candidate at one step; ``gradient_cosine`` is None where there is none."""

    target_confidence: float
    gradient_cosine: float | None
    evaluator_top1: int
    evaluator_confidence: float


@dataclass(frozen=True)
class Moment:
    """One recorded step, with a value for each lane."""

    stage: str
    step: int
    total_steps: int
    seconds: float
    lanes: tuple[LaneMoment, ...]


@dataclass(frozen=True)
class Replay:
    """A recording. L lanes, M moments, S pixels.

    Attributes:
        sheet: WebP of L·M pictures, lane after lane, ``COLUMNS`` in a row.
    """

    lanes: tuple[str, ...]
    moments: tuple[Moment, ...]
    size: int
    sheet: bytes

    def pictures(self) -> npt.NDArray[np.uint8]:
        """uint8 [L, M, S, S, 3].

        Raises:
            DataError: the sheet is damaged.
        """
        size, count = self.size, len(self.moments)
        try:
            with Image.open(io.BytesIO(self.sheet), formats=["WEBP"]) as image:
                pixels = np.asarray(image.convert("RGB"))
            cells = pixels.reshape(-1, size, COLUMNS, size, 3).transpose(0, 2, 1, 3, 4)
            flat = cells.reshape(-1, size, size, 3)[: len(self.lanes) * count]
            return flat.reshape(len(self.lanes), count, size, size, 3)
        except (OSError, ValueError) as error:
            raise DataError(f"The recording of this run is damaged ({error}).") from error

    def save(self, folder: Path) -> None:
        write_bytes(folder / PICTURES_FILE, self.sheet)
        write_json(
            folder / FIGURES_FILE,
            {
                "lanes": list(self.lanes),
                "size": self.size,
                "moments": [asdict(moment) for moment in self.moments],
            },
        )


def load_replay(folder: Path) -> Replay | None:
    """A run's recording; None if it has none.

    Raises:
        DataError: damaged.
    """
    if not (folder / FIGURES_FILE).exists():
        return None
    try:
        values = json.loads((folder / FIGURES_FILE).read_text("utf-8"))
        return Replay(
            tuple(values["lanes"]),
            tuple(_moment(moment) for moment in values["moments"]),
            int(values["size"]),
            (folder / PICTURES_FILE).read_bytes(),
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"The recording of this run is damaged ({error}).") from error


class ReplayRecorder:
    """Picks the moments of a running attack; cheap enough for every step."""

    def __init__(self) -> None:
        self._lanes: tuple[str, ...] = ()
        self._moments: list[Moment] = []
        self._pictures: list[list[npt.NDArray[np.uint8]]] = []  # by moment, then lane
        self._left_out: AttackFrame | None = None

    def add(self, frame: AttackFrame) -> None:
        if frame.lanes and frame.stage != "selection":  # shows the last step's pictures again
            if _is_recorded(frame):
                self._record(frame)
            else:
                self._left_out = frame

    def _record(self, frame: AttackFrame) -> None:
        self._left_out = None
        self._lanes = tuple(lane.name for lane in frame.lanes)
        self._moments.append(
            Moment(
                frame.stage,
                frame.step,
                frame.total_steps,
                round(frame.seconds, 3),
                tuple(_lane_moment(lane) for lane in frame.lanes),
            )
        )
        self._pictures.append([_small(lane.images[lane.best]) for lane in frame.lanes])

    def replay(self) -> Replay:
        """What was recorded so far, at least one moment, and the newest step."""
        if self._left_out is not None:
            self._record(self._left_out)
        by_lane = np.stack([np.stack(pictures) for pictures in self._pictures], axis=1)
        buffer = io.BytesIO()
        pixels = sprite(by_lane.reshape(-1, *by_lane.shape[2:]), COLUMNS)
        Image.fromarray(pixels).save(buffer, "WEBP", quality=QUALITY)
        return Replay(self._lanes, tuple(self._moments), by_lane.shape[2], buffer.getvalue())


def _is_recorded(frame: AttackFrame) -> bool:
    stride = math.ceil(frame.total_steps / MAX_STEPS)
    return (frame.step - 1) % stride == 0 or frame.step == frame.total_steps


def _lane_moment(lane: LaneFrame) -> LaneMoment:
    cosine = lane.gradient_cosine
    return LaneMoment(
        round(lane.target_confidence, 4),
        None if math.isnan(cosine) else round(cosine, 4),
        lane.evaluator_top1[lane.best],
        round(lane.evaluator_confidences[lane.best], 4),
    )


def _small(picture: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    if picture.shape[0] <= LARGEST:
        return picture.copy()  # the frame's array is the whole batch
    image = Image.fromarray(picture).resize((LARGEST, LARGEST), Image.Resampling.LANCZOS)
    return np.asarray(image)


def _moment(values: dict[str, Any]) -> Moment:
    lanes = tuple(LaneMoment(**lane) for lane in values["lanes"])
    return Moment(**{**values, "lanes": lanes})
