"""Keeps an attack when it ends, be it done or stopped."""

import logging

from mia_demo.attack.config import AttackConfig
from mia_demo.attack.frames import AttackFrame
from mia_demo.errors import DemoError
from mia_demo.runs.replay import ReplayRecorder
from mia_demo.runs.report import attack_report
from mia_demo.runs.store import RunStore
from mia_demo.system.device import Compute
from mia_demo.zoo.reading import Zoo

log = logging.getLogger(__name__)


class AttackSaver:
    """Watches one attack's frames and saves the attack at its end.

    Attributes:
        problem: why it was not kept; empty if it was, or if there was nothing to keep.
    """

    def __init__(self, store: RunStore, zoo: Zoo, config: AttackConfig, compute: Compute) -> None:
        self._store = store
        self._zoo = zoo
        self._config = config
        self._compute = compute
        self._recorder = ReplayRecorder()
        self._latest: AttackFrame | None = None
        self.problem = ""

    def see(self, frame: AttackFrame) -> None:
        self._recorder.add(frame)
        if frame.stage in ("optimisation", "done"):
            self._latest = frame

    def save(self) -> str:
        """Keeps what was seen. Never raises: an attack is no failure because its disk is full.

        Returns:
            The run's key; empty if the attack was stopped before its first step, or not kept.
        """
        if self._latest is None:
            return ""
        try:
            report = attack_report(self._zoo, self._config, self._compute, self._latest)
            return self._store.keep(report, self._latest, self._recorder.replay())
        except (DemoError, OSError) as error:
            log.warning("an attack was not kept: %s", error)
            self.problem = str(error)
            return ""
