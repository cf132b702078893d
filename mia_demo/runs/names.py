"""The names that visitors give their runs, of all kinds, in one small file."""

import logging
import threading
from pathlib import Path

from mia_demo.errors import ConfigError
from mia_demo.system.files import write_json, writing_to
from mia_demo.system.json_files import checked, read_json

MAX_RUN_NAME_LENGTH = 80  # characters

log = logging.getLogger(__name__)


class RunNames:
    """Names by run key. They never become paths."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._names: dict[str, str] = {}
        try:
            if path.exists():
                names = checked(dict[str, str], read_json(path), "names")
                self._names = {key: clean_name(name) for key, name in names.items()}
        except (OSError, ValueError, ConfigError) as error:
            log.warning("the names of runs cannot be read: %s", error)

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
            with writing_to(self._path.parent):
                write_json(self._path, names)
            self._names = names


def clean_name(name: str) -> str:
    """One line without control characters.

    Raises:
        ConfigError: too long.
    """
    cleaned = " ".join("".join(c if c.isprintable() else " " for c in name).split())
    if len(cleaned) > MAX_RUN_NAME_LENGTH:
        raise ConfigError(
            f"A name may have up to {MAX_RUN_NAME_LENGTH} letters; this one has {len(cleaned)}."
        )
    return cleaned
