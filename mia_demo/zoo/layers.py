"""A zoo that is only read, and on top of it the classifiers that visitors trained or added.

Readers see one zoo and need not know where a lane lies. What came with the demo is never written
to: everything new goes into a folder of its own. Guests are targets that one visitor added: they
can be loaded by name, but no list has them, so that they are on nobody else's page.
"""

from __future__ import annotations

import logging
import shutil
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from mia_demo.data.identities import IdentitySet
from mia_demo.data.splits import Items
from mia_demo.errors import CheckpointError, ConfigError
from mia_demo.system.files import write_json, writing_to
from mia_demo.system.json_files import read_json
from mia_demo.zoo.folder import FolderZoo
from mia_demo.zoo.manifest import MANIFEST, CheckpointEntry, Manifest, StoredFile
from mia_demo.zoo.reading import Zoo

OWN_FOLDER = "own"  # of visitors' classifiers, among the runs
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


class LayeredZoo(Zoo):
    """A zoo with further targets on top.

    Args:
        base: only read.
        own: what was trained here, on the base's identities.
        is_shown: whether whoever asks at this moment may see one of these, by
            default everybody may.
    """

    def __init__(
        self, base: Zoo, own: OwnFolder, is_shown: Callable[[CheckpointEntry], bool] | None = None
    ) -> None:
        self.root, self.origin = base.root, base.origin
        self.base = base
        self.own = own
        self._is_shown = is_shown
        self._guests: dict[str, tuple[CheckpointEntry, Zoo]] = {}

    def __getstate__(self) -> dict[str, Any]:
        # Another process computes; nobody asks it what they may see.
        return {**self.__dict__, "_is_shown": None}

    @property
    def manifest(self) -> Manifest:
        known = self.base.manifest
        return replace(known, checkpoints=[*known.checkpoints, *self.own.checkpoints])

    def verified_path(self, stored: StoredFile) -> Path:
        for entry, zoo in list(self._guests.values()):
            if entry.stored == stored:
                return zoo.verified_path(stored)
        return self.own.verified_path(stored) or self.base.verified_path(stored)

    def split_items(self, identities: IdentitySet) -> dict[str, Items]:
        return self.base.split_items(identities)

    def target_names(self) -> list[str]:
        """Lanes of the base, then own ones: a lane keeps its place when others come."""
        return [*self.base.target_names(), *(entry.name for entry in self.own_targets())]

    def own_targets(self) -> list[CheckpointEntry]:
        """Own targets that whoever asks may see, oldest first."""
        shown = self._is_shown or (lambda _: True)
        return [entry for entry in self.own.targets() if shown(entry)]

    def default_lanes(self) -> list[str]:
        """A visitor's default lanes: those that came with the people, else own ones."""
        return self.base.default_lanes() or self.target_names()

    def compared_lanes(self) -> list[str]:
        """Lanes that a view shows beside each other: those and own ones."""
        return [*self.base.default_lanes(), *(entry.name for entry in self.own_targets())]

    def is_target(self, name: str) -> bool:
        return name in self._guests or name in self.target_names()

    def lane_order(self) -> list[str]:
        """Everybody's lanes, then guests: a lane's place here gives it its colour."""
        own = [entry.name for entry in self.own.targets()]
        return [*self.base.target_names(), *own, *self._guests]

    def find(self, name: str) -> CheckpointEntry | None:
        guest = self._guests.get(name)
        return guest[0] if guest else super().find(name)

    def admit(self, zoo: Zoo, name: str) -> None:
        """Makes a target of another zoo a guest."""
        self._guests[name] = (zoo.entry(name), zoo)

    def dismiss(self, name: str) -> None:
        """A guest leaves."""
        self._guests.pop(name, None)

    def become(self, other: LayeredZoo) -> None:
        """Takes over what a copy of this zoo knows, which has come from another process."""
        self.own, self._guests = other.own, other._guests
