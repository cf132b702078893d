"""Keeps an attack when it ends, be it done or stopped."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from mia_demo.attack.config import AttackConfig
from mia_demo.attack.frames import AttackFrame
from mia_demo.errors import DemoError
from mia_demo.runs.replay import Replay, ReplayRecorder
from mia_demo.runs.report import attack_report
from mia_demo.system.device import Compute
from mia_demo.zoo.reading import Zoo

log = logging.getLogger(__name__)


@dataclass
class AttackSaver:
    """Watches one attack's frames and saves the attack at its end.

    Attributes:
        keep: saves report, last frame and recording, and returns a key, as ``RunStore.keep``.
        key: of the kept run; empty while there is none.
        problem: why it was not kept; empty if it was, or if there was nothing to keep.
    """

    keep: Callable[[dict[str, Any], AttackFrame, Replay], str]
    zoo: Zoo
    config: AttackConfig
    compute: Compute
    key: str = field(default="", init=False)
    problem: str = field(default="", init=False)
    _recorder: ReplayRecorder = field(default_factory=ReplayRecorder, init=False)
    _latest: AttackFrame | None = field(default=None, init=False)

    def see(self, frame: AttackFrame) -> None:
        self._recorder.add(frame)
        if frame.stage in ("optimisation", "done"):
            self._latest = frame

    def save(self) -> str:
        """Keeps what was seen. Never raises: an attack is not a failure because its disk is full.

        Returns:
            The run's key; empty if the attack was stopped before its first step, or not kept.
        """
        if self._latest is None:
            return ""
        try:
            report = attack_report(self.zoo, self.config, self.compute, self._latest)
            self.key = self.keep(report, self._latest, self._recorder.replay())
        except (DemoError, OSError) as error:
            log.warning("an attack was not kept: %s", error)
            self.problem = str(error)
        return self.key

    def recording(self) -> Replay | None:
        """What was seen, for replay; None before the first step."""
        return self._recorder.replay() if self._latest is not None else None
