"""What visitors call their runs: one small file, whatever kind of run it is."""

from __future__ import annotations

import json
import logging
import threading
from pathlib import Path

from mia_demo.errors import ConfigError
from mia_demo.system.files import write_json

LONGEST = 80  # letters of a name

log = logging.getLogger(__name__)


class RunNames:
    """Names by the key of a run; they never become paths."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._names: dict[str, str] = {}
        try:
            if path.exists():
                values = json.loads(path.read_text("utf-8"))
                self._names = {str(key): clean_name(str(name)) for key, name in values.items()}
        except (OSError, ValueError, AttributeError, ConfigError) as error:
            log.warning("names of runs are left out: %s", error)

    def get(self, key: str) -> str:
        return self._names.get(key, "")

    def set(self, key: str, name: str) -> None:
        """Names a run; an empty name gives it its usual title back.

        Raises:
            ConfigError: too long, or the folder cannot be written.
        """
        cleaned = clean_name(name)
        with self._lock:
            names = {other: known for other, known in self._names.items() if other != key}
            if cleaned:
                names[key] = cleaned
            if names == self._names:
                return
            try:
                write_json(self._path, names)
            except OSError as error:
                raise ConfigError(
                    f"Cannot write to {self._path.parent} ({error.strerror}); free some space "
                    "there, or start the demo where it may write."
                ) from error
            self._names = names


def clean_name(name: str) -> str:
    """One line without control characters.

    Raises:
        ConfigError: too long.
    """
    cleaned = " ".join("".join(c if c.isprintable() else " " for c in name).split())
    if len(cleaned) > LONGEST:
        raise ConfigError(f"A name may have {LONGEST} letters; this one has {len(cleaned)}.")
    return cleaned
