"""The recording of an attack: each lane's best picture, step by step, with its figures.

All pictures lie in one WebP sheet: far smaller than one file per picture, and one request.
"""

import io
import json
import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypedDict

import numpy as np
import numpy.typing as npt
from PIL import Image

from mia_demo.attack.frames import STAGES, AttackFrame, LaneFrame, StepDetail
from mia_demo.data.pictures import MAX_WEBP_SIDE, read_picture, shrunk, sprite
from mia_demo.errors import DataError
from mia_demo.system.files import write_bytes
from mia_demo.system.json_files import checked, read_json

REPLAY_PICTURES = "replay.webp"
REPLAY_FIGURES = "replay.json"
MAX_RECORDED_STEPS = 60  # of an optimisation, evenly spread
MAX_PICTURE_SIZE = 128  # pixels
SHEET_COLUMNS = 16
REPLAY_QUALITY = 75


@dataclass(frozen=True)
class LaneMoment:
    """A lane's best candidate at one step; ``gradient_cosine`` is None where there is none yet.

    Attributes:
        detail: None outside optimisation, and in recordings made before it was kept.
    """

    target_confidence: float
    gradient_cosine: float | None
    evaluator_top1: int
    evaluator_confidence: float
    detail: StepDetail | None = None


@dataclass(frozen=True)
class Moment:
    """One recorded step of all lanes."""

    stage: str
    step: int
    total_steps: int
    seconds: float
    lanes: tuple[LaneMoment, ...]


class _Figures(TypedDict):
    lanes: tuple[str, ...]
    size: int
    moments: tuple[Moment, ...]


@dataclass(frozen=True)
class Replay:
    """A recording. L lanes, M moments, S pixels.

    Attributes:
        size: S.
        sheet: WebP of L·M pictures, lane after lane, ``SHEET_COLUMNS`` per row.
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
            pixels = read_picture(io.BytesIO(self.sheet), "WEBP")
            cells = pixels.reshape(-1, size, SHEET_COLUMNS, size, 3).transpose(0, 2, 1, 3, 4)
            flat = cells.reshape(-1, size, size, 3)[: len(self.lanes) * count]
            return flat.reshape(len(self.lanes), count, size, size, 3)
        except (OSError, ValueError) as error:
            raise DataError(f"The recording of this run is damaged ({error}).") from error

    def save(self, folder: Path) -> None:
        write_bytes(folder / REPLAY_PICTURES, self.sheet)
        moments = [asdict(moment) for moment in self.moments]
        figures = {"lanes": list(self.lanes), "size": self.size, "moments": moments}
        # Thousands of numbers: a line each would double the file.
        write_bytes(folder / REPLAY_FIGURES, json.dumps(figures, separators=(",", ":")).encode())


def load_replay(folder: Path, lanes: tuple[str, ...]) -> Replay | None:
    """The recording in the folder of a run with these lanes; None if there is none.

    Raises:
        DataError: it is damaged.
    """
    if not (folder / REPLAY_FIGURES).exists():
        return None
    try:
        figures = checked(_Figures, read_json(folder / REPLAY_FIGURES), "recording")
        moments, size = figures["moments"], figures["size"]
        is_whole = (
            figures["lanes"] == lanes
            and moments
            and 1 <= size <= MAX_PICTURE_SIZE
            and all(len(moment.lanes) == len(lanes) for moment in moments)
            and all(moment.stage in STAGES for moment in moments)
            and all(1 <= moment.step <= moment.total_steps for moment in moments)
        )
        if not is_whole:
            raise ValueError("its parts do not fit each other")
        return Replay(lanes, moments, size, (folder / REPLAY_PICTURES).read_bytes())
    except (OSError, ValueError) as error:
        raise DataError(f"The recording of this run is damaged ({error}).") from error


class ReplayRecorder:
    """Records moments of a running attack; cheap enough to be given every frame."""

    def __init__(self) -> None:
        self._lanes: tuple[str, ...] = ()
        self._moments: list[Moment] = []
        self._pictures: list[list[npt.NDArray[np.uint8]]] = []  # by moment, then lane
        self._left_out: AttackFrame | None = None

    def add(self, frame: AttackFrame) -> None:
        if frame.lanes and frame.stage != "selection":  # which repeats the last step's pictures
            if _is_recorded(frame):
                self._record(frame)
            else:
                self._left_out = frame

    def _record(self, frame: AttackFrame) -> None:
        self._left_out = None
        self._lanes = tuple(lane.name for lane in frame.lanes)
        lanes = tuple(_lane_moment(lane) for lane in frame.lanes)
        seconds = round(frame.seconds, 3)
        self._moments.append(Moment(frame.stage, frame.step, frame.total_steps, seconds, lanes))
        self._pictures.append([_small(lane.images[lane.best]) for lane in frame.lanes])

    def replay(self) -> Replay:
        """The recording so far, up to the newest frame; at least one must have been added."""
        if self._left_out is not None:
            self._record(self._left_out)
        by_lane = np.stack([np.stack(pictures) for pictures in self._pictures], axis=1)
        most = MAX_WEBP_SIDE // math.ceil(by_lane.shape[0] * by_lane.shape[1] / SHEET_COLUMNS)
        if by_lane.shape[2] > most:  # of many lanes
            small = [[shrunk(picture, most) for picture in lane] for lane in by_lane]
            by_lane = np.array(small)
        buffer = io.BytesIO()
        pixels = sprite(by_lane.reshape(-1, *by_lane.shape[2:]), SHEET_COLUMNS)
        Image.fromarray(pixels).save(buffer, "WEBP", quality=REPLAY_QUALITY)
        return Replay(self._lanes, tuple(self._moments), by_lane.shape[2], buffer.getvalue())


def _is_recorded(frame: AttackFrame) -> bool:
    stride = math.ceil(frame.total_steps / MAX_RECORDED_STEPS)
    return (frame.step - 1) % stride == 0 or frame.step == frame.total_steps


def _lane_moment(lane: LaneFrame) -> LaneMoment:
    cosine = lane.gradient_cosine
    return LaneMoment(
        round(lane.target_confidence, 4),
        None if math.isnan(cosine) else round(cosine, 4),
        lane.evaluator_top1[lane.best],
        round(lane.evaluator_confidences[lane.best], 4),
        lane.detail,
    )


def _small(picture: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    if picture.shape[0] <= MAX_PICTURE_SIZE:
        return picture.copy()  # the frame's array is the whole batch
    return shrunk(picture, MAX_PICTURE_SIZE)
