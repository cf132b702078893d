"""An attack that has ended.

A kept one is a folder that is written whole and validated when read. One on people of a visitor's
own is in memory alone, for the tab that made it.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from mia_demo.attack.config import AttackConfig
from mia_demo.attack.frames import AttackFrame
from mia_demo.attack.named import attack_words
from mia_demo.data.pictures import read_picture
from mia_demo.errors import DataError
from mia_demo.runs.command import attack_command
from mia_demo.runs.origin import Origin
from mia_demo.runs.replay import Replay, load_replay
from mia_demo.runs.report import AttackReport
from mia_demo.system.files import replacing, write_json
from mia_demo.system.json_files import checked, read_json

RUN_FILE = "run.json"
UNKEPT = "unkept"  # the key of every attack in memory: a tab has one at most
MAX_DRAWN_NAME = 8  # characters below a picture


@dataclass(frozen=True)
class AttackRun:
    """A kept attack.

    Attributes:
        report: ``run.json`` (see ``report.attack_report``).
    """

    key: str
    folder: Path
    is_recorded: bool
    name: str
    config: AttackConfig
    report: dict[str, Any]
    kind = "attack"

    @property
    def title(self) -> str:
        return self.name or f"Identity {self.config.identity}, seed {self.config.seed}"

    @property
    def date(self) -> str:
        return str(self.report["date"])

    @property
    def is_complete(self) -> bool:
        return bool(self.report["complete"])

    @property
    def origin(self) -> Origin:
        return Origin(self.report, self.report["versions"], self.report["checkpoints"])

    def heading(self) -> str:
        """What was attacked and how, in one line."""
        config = self.config
        stopped = "" if self.is_complete else f", stopped at step {self.report['step']}"
        own = f" ({attack_words(config)})" if config.preset == "custom" else ""
        how = f"preset {config.preset}{own}, seed {config.seed}{stopped}"
        return f"{self.subject}, {how}"

    @property
    def subject(self) -> str:
        """Who was attacked, at the beginning of a sentence."""
        return f"Identity {self.config.identity}"

    def called(self, identity: int) -> str:
        """Who that is, in the least room."""
        return str(identity)

    def origin_line(self) -> str:
        """When and where it ran, in one line."""
        report = self.report
        return (
            f"{'Recorded' if self.is_recorded else 'Computed'} "
            f"{self.date[:16].replace('T', ' ')} "
            f"UTC on {report['device'].upper()} ({report['precision']}) "
            f"in {report['seconds']:.1f} s"
            f"{', commit ' + report['commit'] if report.get('commit') else ''}"
        )

    def command(self) -> str:
        return attack_command(self.config)

    def facts(self) -> dict[str, str]:
        report = self.report
        facts = {
            **self.config.to_json(),
            "lanes": ", ".join(self.config.lanes),
            **{name: report.get(name, "unknown") for name in ("device", "precision", "threads")},
            "commit": report.get("commit") or "unknown",
            "stopped at": "" if self.is_complete else f"step {report['step']}",
            **self.origin.facts(),
        }
        return {name.replace("_", " "): str(value) for name, value in facts.items()}

    def ended_at(self, frame: AttackFrame) -> bool:
        """Whether its pictures were kept at this step."""
        return (frame.stage, frame.step) == (self.report["stage"], self.report["step"])

    def pictures(self, lane: str) -> npt.NDArray[np.uint8]:
        """A lane's kept pictures, uint8 [K, R, R, 3], best first.

        Raises:
            DataError: one is damaged or missing.
        """
        try:
            # Only their names: the folder may have been moved.
            names = [Path(path).name for path in self.report["lanes"][lane]["images"]]
            return np.stack([read_picture(self.folder / name, "PNG") for name in names])
        except (OSError, ValueError) as error:
            raise DataError(f"The pictures of this run are damaged ({error}).") from error

    def replay(self) -> Replay | None:
        """The recording; None if there is none.

        Raises:
            DataError: it is damaged.
        """
        return load_replay(self.folder, self.config.lanes)


@dataclass(frozen=True)
class UnkeptRun(AttackRun):
    """An attack that no folder holds.

    Attributes:
        people: what opens the people who were attacked.
        names: theirs, by label; empty if they have none.
        images: by lane, uint8 [K, R, R, 3], best first.
    """

    people: str
    names: tuple[str, ...]
    images: Mapping[str, npt.NDArray[np.uint8]]
    recording: Replay

    @property
    def subject(self) -> str:
        return self.names[self.config.identity] if self.names else super().subject

    def called(self, identity: int) -> str:
        name = self.names[identity] if self.names else super().called(identity)
        return name if len(name) <= MAX_DRAWN_NAME else f"{name[: MAX_DRAWN_NAME - 1]}…"

    def pictures(self, lane: str) -> npt.NDArray[np.uint8]:
        return self.images[lane]

    def replay(self) -> Replay:
        return self.recording


def save_attack(
    directory: Path,
    report: dict[str, Any],
    frame: AttackFrame,
    replay: Replay,
    *,
    shown_as: Path,
    max_pictures: int | None = None,
) -> dict[str, Any]:
    """Writes the pictures as PNG, the recording, and ``run.json`` last.

    Args:
        shown_as: the folder in the image paths of ``run.json``.
        max_pictures: per lane; all of them by default.

    Returns:
        The report with every lane's image paths.

    Raises:
        OSError: the folder cannot be written.
    """
    lanes = {name: dict(values) for name, values in report["lanes"].items()}
    for number, lane in enumerate(frame.lanes):
        # A lane's name may hold what file names may not, such as ">".
        stem = f"{number}_{re.sub(r'[^a-zA-Z0-9+-]+', '-', lane.name)}"
        names = []
        for rank, index in enumerate(lane.best_first()[:max_pictures]):
            names.append(f"{stem}_{rank:02d}.png")
            with replacing(directory / names[-1]) as temporary:
                Image.fromarray(lane.images[index]).save(temporary, format="PNG")
        lanes[lane.name]["images"] = [str(shown_as / name) for name in names]
    replay.save(directory)
    complete = {**report, "lanes": lanes}
    write_json(directory / RUN_FILE, complete)
    return complete


def load_attack(folder: Path, key: str, *, is_recorded: bool, name: str = "") -> AttackRun:
    """Reads ``run.json``.

    Raises:
        DataError: it is damaged, or no attack of this format.
    """
    try:
        report: dict[str, Any] = dict(checked(AttackReport, read_json(folder / RUN_FILE), "run"))
        config = checked(AttackConfig, report["config"], "run.config")
        _check_consistency(report, config)
    except (OSError, ValueError) as error:
        raise DataError(f"{folder} holds no readable run ({error}).") from error
    return AttackRun(key, folder, is_recorded, name, config, report)


def _check_consistency(report: dict[str, Any], config: AttackConfig) -> None:
    if list(report["lanes"]) != list(config.lanes):
        raise ValueError("other lanes than its settings name")
    if not 1 <= report["step"] <= report["total_steps"]:
        raise ValueError(f"step {report['step']} of {report['total_steps']}")
    for name, lane in report["lanes"].items():
        figures = ("confidences", "evaluator_top1", "evaluator_confidences")
        if not 1 <= len(lane["images"]) <= min(len(lane[figure]) for figure in figures):
            raise ValueError(f"lane {name} has not one figure per picture")


def unkept_run(
    people: str,
    names: tuple[str, ...],
    config: AttackConfig,
    report: dict[str, Any],
    ended: tuple[AttackFrame, Replay],
) -> UnkeptRun:
    """The attack as it ended: its last frame and its recording."""
    frame, recording = ended
    images = {lane.name: lane.images[lane.best_first()].copy() for lane in frame.lanes}
    return UnkeptRun(UNKEPT, Path(), False, "", config, report, people, names, images, recording)
