"""What a sweep keeps of each attack: a sheet of pictures, and its figures; checked when read."""

from pathlib import Path
from typing import Any, TypedDict

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from mia_demo.attack.config import AttackConfig
from mia_demo.attack.frames import AttackFrame
from mia_demo.data.pictures import read_picture
from mia_demo.errors import DataError
from mia_demo.system.files import replacing
from mia_demo.system.json_files import checked, read_json


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


def attack_files(directory: Path, seed: int, identity: int) -> tuple[Path, Path]:
    """Sheet of kept pictures and figures of one attack; with the figures it is complete."""
    stem = f"seed{seed}_identity{identity:04d}"
    return directory / "attacks" / f"{stem}.png", directory / "attacks" / f"{stem}.json"


def save_sheet(path: Path, frame: AttackFrame) -> None:
    """One row per lane, best reconstruction first; PNG loses nothing."""
    rows = [np.concatenate(list(lane.images), axis=1) for lane in frame.lanes]
    with replacing(path) as temporary:
        Image.fromarray(np.concatenate(rows, axis=0)).save(temporary, format="PNG")


def load_result(directory: Path, seed: int, identity: int, config: AttackConfig) -> dict[str, Any]:
    """The figures of one attack, a ``SavedAttack``.

    Raises:
        DataError: they are missing, damaged, or of other settings.
    """
    _, path = attack_files(directory, seed, identity)
    try:
        result: dict[str, Any] = dict(checked(SavedAttack, read_json(path), "result"))
        if (result["seed"], result["identity"]) != (seed, identity):
            raise ValueError("it is another attack's")
        if list(result["lanes"]) != list(config.lanes):
            raise ValueError("other lanes than the sweep's")
        for name, lane in result["lanes"].items():
            if not len(lane["top1"]) == len(lane["nearest"]) == config.kept:
                raise ValueError(f"lane {name} has not one verdict per picture")
    except (OSError, ValueError) as error:
        raise DataError(f"{path} is damaged ({error}); delete it to attack again.") from error
    return result


def load_pictures(
    directory: Path, seed: int, identity: int, config: AttackConfig, size: int
) -> Tensor:
    """Kept pictures of one attack: uint8 [L, K, 3, R, R], R being ``size``.

    Raises:
        DataError: they are missing or damaged.
    """
    path, result_path = attack_files(directory, seed, identity)
    try:
        rows, columns = len(config.lanes), config.kept
        wanted = rows * columns * size**2
        pixels = torch.from_numpy(read_picture(path, "PNG", most=wanted))
        if pixels.shape != (rows * size, columns * size, 3):
            raise ValueError("another number of pictures")
    except (OSError, ValueError) as error:
        raise DataError(
            f"{path} is damaged ({error}); delete {result_path.name} to attack again."
        ) from error
    return pixels.reshape(rows, size, columns, size, 3).permute(0, 2, 4, 1, 3).contiguous()
