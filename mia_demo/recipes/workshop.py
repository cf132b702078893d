"""What every step that adds a network to a zoo works with."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from mia_demo.system.device import Compute
from mia_demo.zoo.folder import FolderZoo


@dataclass(frozen=True)
class Workshop:
    """Where networks are trained and kept.

    Attributes:
        zoo: receives the checkpoints.
        states: folder of the states from which unfinished trainings resume, one folder each.
        log: receives one line per report.
    """

    zoo: FolderZoo
    compute: Compute
    states: Path
    log: Callable[[str], None]
