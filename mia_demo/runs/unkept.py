"""An attack on people of a visitor's own: it is in memory alone, for the tab that made it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mia_demo.attack.config import AttackConfig
from mia_demo.attack.frames import AttackFrame
from mia_demo.runs.attack_run import AttackRun
from mia_demo.runs.replay import Replay

UNKEPT = "unkept"  # the key of every such attack: a tab has one at most
MAX_DRAWN_NAME = 8  # characters below a picture


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
