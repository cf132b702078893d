"""A run's folder that cannot be read: there is nothing to do with it but delete it."""

from dataclasses import dataclass
from pathlib import Path

from mia_demo.system.clock import time_written


@dataclass(frozen=True)
class DamagedRun:
    """A folder with a file that names it a run.

    Attributes:
        file: the damaged one.
        reason: why it cannot be read.
    """

    key: str
    file: Path
    is_recorded: bool
    reason: str
    name: str = ""
    kind = "damaged run"
    origin = None

    @property
    def folder(self) -> Path:
        return self.file.parent

    @property
    def title(self) -> str:
        return self.name or self.folder.name

    @property
    def date(self) -> str:
        """When the damaged file was written last."""
        return time_written(self.file)

    def command(self) -> str:
        return ""

    def facts(self) -> dict[str, str]:
        return {}
