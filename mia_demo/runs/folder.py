"""One attack as a folder: written whole, read with suspicion."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from mia_demo.attack.config import AttackConfig
from mia_demo.attack.frames import AttackFrame
from mia_demo.errors import ConfigError, DataError
from mia_demo.runs.replay import Replay, load_replay
from mia_demo.runs.report import FORMAT, best_first
from mia_demo.system.files import replacing, write_json

RUN_FILE = "run.json"
REPORT_KEYS = {
    *("date", "complete", "stage", "step", "device", "precision", "threads", "seconds"),
    *("checkpoints", "versions"),
}
LANE_KEYS = {
    *("alpha", "test_accuracy", "target_confidence", "confidences", "acc1", "images"),
    *("evaluator_top1", "evaluator_confidences"),
}


@dataclass(frozen=True)
class AttackRun:
    """A kept attack.

    Attributes:
        key: names it, here and on the page; folders are never built from a visitor's words.
        is_recorded: it came with the zoo.
        name: what a visitor calls it; may be empty.
        config: of the attack.
        report: ``run.json`` (see ``attack_report``).
    """

    key: str
    folder: Path
    is_recorded: bool
    name: str
    config: AttackConfig
    report: dict[str, Any]

    @property
    def title(self) -> str:
        return self.name or f"Identity {self.config.identity}, seed {self.config.seed}"

    @property
    def is_complete(self) -> bool:
        return bool(self.report["complete"])

    def pictures(self, lane: str) -> npt.NDArray[np.uint8]:
        """A lane's kept pictures [K, R, R, 3], best first.

        Raises:
            DataError: one is damaged or missing.
        """
        try:
            # Only the names: the folder may have been moved.
            names = [Path(path).name for path in self.report["lanes"][lane]["images"]]
            return np.stack([_read_png(self.folder / name) for name in names])
        except (OSError, ValueError) as error:
            raise DataError(f"The pictures of this run are damaged ({error}).") from error

    def replay(self) -> Replay | None:
        """Its recording, if it has one.

        Raises:
            DataError: damaged.
        """
        return load_replay(self.folder)


def save_attack(
    directory: Path,
    report: dict[str, Any],
    frame: AttackFrame,
    replay: Replay,
    *,
    shown_as: Path,
    most_pictures: int | None = None,
) -> dict[str, Any]:
    """Writes pictures as PNG, the recording, and last of all ``run.json``.

    Args:
        shown_as: the folder in the image paths of ``run.json``.
        most_pictures: of a lane; all of them by default.

    Returns:
        The report with every lane's image paths.

    Raises:
        ConfigError: the folder cannot be written.
    """
    lanes = {name: dict(values) for name, values in report["lanes"].items()}
    try:
        for number, lane in enumerate(frame.lanes):
            # A lane's name may hold what file names may not, such as ">".
            stem = f"{number}_{re.sub(r'[^a-zA-Z0-9+-]+', '-', lane.name)}"
            names = []
            for rank, index in enumerate(best_first(lane)[:most_pictures]):
                names.append(f"{stem}_{rank:02d}.png")
                with replacing(directory / names[-1]) as temporary:
                    Image.fromarray(lane.images[index]).save(temporary, format="PNG")
            lanes[lane.name]["images"] = [str(shown_as / name) for name in names]
        replay.save(directory)
        complete = {**report, "lanes": lanes}
        write_json(directory / RUN_FILE, complete)
    except OSError as error:
        raise ConfigError(
            f"Cannot write to {directory} ({error}); choose another --output."
        ) from error
    return complete


def load_run(folder: Path, key: str, *, is_recorded: bool, name: str = "") -> AttackRun:
    """Reads ``run.json``.

    Raises:
        DataError: it is damaged, or no attack of this format.
    """
    try:
        report = json.loads((folder / RUN_FILE).read_text("utf-8"))
        if (report["format"], report["kind"]) != (FORMAT, "attack"):
            raise ValueError("not an attack of this format")
        config = AttackConfig(**{**report["config"], "lanes": tuple(report["config"]["lanes"])})
        if list(report["lanes"]) != list(config.lanes):
            raise ValueError("other lanes than its settings name")
        missing = REPORT_KEYS - set(report)
        missing |= {key for lane in report["lanes"].values() for key in LANE_KEYS - set(lane)}
        if missing:
            raise ValueError(f"without {', '.join(sorted(missing))}")
    except (OSError, ValueError, KeyError, TypeError, AttributeError, ConfigError) as error:
        raise DataError(f"{folder} holds no readable run ({error}).") from error
    return AttackRun(key, folder, is_recorded, name, config, report)


def _read_png(path: Path) -> npt.NDArray[np.uint8]:
    with Image.open(path, formats=["PNG"]) as image:
        return np.asarray(image.convert("RGB"))
