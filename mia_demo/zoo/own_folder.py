"""The classifiers that were trained on this page, in a folder of their own."""

import logging
import shutil
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from mia_demo.errors import CheckpointError, ConfigError
from mia_demo.system.files import write_json, writing_to
from mia_demo.system.json_files import read_json
from mia_demo.zoo.folder import FolderZoo
from mia_demo.zoo.manifest import MANIFEST, CheckpointEntry, Manifest, StoredFile

MAX_OWN = 8
OWN_PREFIX = "own-"

# Names are ours: no visitor's words end up in a path or a page. Gets the entry and taken names.
Naming = Callable[[CheckpointEntry, list[str]], str]

log = logging.getLogger(__name__)


def numbered_name(entry: CheckpointEntry, taken: list[str]) -> str:
    """``own-1``, ``own-2`` …: a number is given again only if it was the largest."""
    numbers = [int(name.removeprefix(OWN_PREFIX)) for name in taken]
    return f"{OWN_PREFIX}{max(numbers, default=0) + 1}"


class OwnFolder:
    """Targets, and an evaluator of a visitor's own people, that were trained here.

    Args:
        path: the folder; made when the first of them is added.
        naming: chooses their names.
        gone: the error of adding one after ``delete``.
    """

    def __init__(self, path: Path, naming: Naming = numbered_name, gone: str = "") -> None:
        self.path = path
        self.is_deleted = False
        self._naming = naming
        self._gone = gone
        self._lock = threading.Lock()
        self._zoo: FolderZoo | None = None
        try:
            if (path / MANIFEST).exists():
                self._zoo = FolderZoo(path)
        except CheckpointError as error:  # the demo goes on without them; adding one says why
            log.warning("own classifiers are left out: %s", error)

    def __getstate__(self) -> dict[str, Any]:
        # A lock cannot travel to another process.
        return {name: value for name, value in self.__dict__.items() if name != "_lock"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._lock = threading.Lock()

    @property
    def checkpoints(self) -> list[CheckpointEntry]:
        """All of them, oldest first."""
        return (self._zoo.manifest if self._zoo else Manifest()).checkpoints

    def targets(self) -> list[CheckpointEntry]:
        """Own targets, oldest first."""
        return [entry for entry in self.checkpoints if entry.kind == "target"]

    def verified_path(self, stored: StoredFile) -> Path | None:
        """Path of a file of this folder, checked; None if it lies elsewhere."""
        if self._zoo is None or all(entry.stored != stored for entry in self.checkpoints):
            return None
        return self._zoo.verified_path(stored)

    def check_exists(self) -> None:
        """
        Raises:
            ConfigError: deleted meanwhile.
        """
        if self.is_deleted:
            raise ConfigError(self._gone)

    def check_room(self) -> None:
        """
        Raises:
            ConfigError: no further own target is kept.
        """
        if len(self.targets()) >= MAX_OWN:
            raise ConfigError(
                f"{MAX_OWN} trained classifiers are kept here already; delete one of yours first, "
                "or come back when another visitor has closed a tab."
            )

    def add(
        self,
        entry: CheckpointEntry,
        tensors: Mapping[str, Tensor],
        history: Sequence[Mapping[str, Any]] = (),
    ) -> str:
        """Adds a classifier, as float16, and returns the name that was chosen for it.

        Args:
            history: the epochs of its training, kept for ``history_of``.

        Raises:
            ConfigError: no further one is kept, or the folder cannot be written.
        """
        with self._lock:
            self.check_exists()
            if entry.kind == "target":
                self.check_room()
            name = self._naming(entry, [own.name for own in self.targets()])
            with writing_to(self.path):
                self._zoo = FolderZoo.create(self.path)
                write_json(self._history(name), list(history))
                self._zoo.add(replace(entry, name=name), tensors, torch.float16)
            return name

    def history_of(self, name: str) -> list[Any]:
        """The epochs of an own target's training; none where nothing readable is kept."""
        if all(entry.name != name for entry in self.checkpoints):
            return []
        try:
            return list(read_json(self._history(name)))
        except (OSError, ValueError, TypeError):
            return []

    def remove(self, name: str) -> None:
        """Deletes an own target.

        Raises:
            ConfigError: it came with the demo, or does not exist.
        """
        with self._lock:
            if self._zoo is None or name not in [entry.name for entry in self.targets()]:
                raise ConfigError(f"There is no classifier {name!r} of your own; reload the page.")
            self._zoo.remove(name)
            self._history(name).unlink(missing_ok=True)

    def delete(self) -> None:
        """Deletes the folder. What still trains finds out at its next step and cleans up."""
        with self._lock:
            self.is_deleted = True
            shutil.rmtree(self.path, ignore_errors=True)

    def _history(self, name: str) -> Path:
        return self.path / f"{name}.history.json"
