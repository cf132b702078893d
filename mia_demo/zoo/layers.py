"""The zoo that came with the demo, and on top of it the targets that visitors trained.

Readers see one zoo and need not know where a lane lies. What came with the demo is never written
to: everything new goes into a folder of its own. Guests are targets that one visitor added: they
can be loaded by name, but no list has them, so that they are on nobody else's page.
"""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from mia_demo.errors import CheckpointError, ConfigError
from mia_demo.system.files import write_json
from mia_demo.zoo.folder import Zoo
from mia_demo.zoo.manifest import MANIFEST, CheckpointEntry, StoredFile

OWN_FOLDER = "own"  # of visitors' classifiers, among the runs
OWN_PREFIX = "own-"  # names are ours: no visitor's words end up in a path or a page
MAX_OWN = 8

log = logging.getLogger(__name__)


class LayeredZoo(Zoo):
    """A zoo with further targets on top.

    Args:
        base: what came with the demo; only read.
        folder: where own targets lie; made when the first of them is added.
    """

    def __init__(self, base: Zoo, folder: Path) -> None:
        self.root = base.root
        self.origin = base.origin
        self.base = base
        self.folder = folder
        self._lock = threading.Lock()
        self._own: Zoo | None = None
        self._guests: dict[str, tuple[CheckpointEntry, Zoo]] = {}
        try:
            if (folder / MANIFEST).exists():
                self._own = Zoo(folder)
        except CheckpointError as error:  # the demo goes on without them; adding one says why
            log.warning("own classifiers are left out: %s", error)
        self._merge()

    def __getstate__(self) -> dict[str, Any]:
        # A lock cannot travel to another process.
        return {name: value for name, value in self.__dict__.items() if name != "_lock"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._lock = threading.Lock()

    def become(self, other: LayeredZoo) -> None:
        """Takes over what a copy of this zoo knows, which has come from another process."""
        self.__setstate__(other.__getstate__())

    def own_entries(self) -> list[CheckpointEntry]:
        """Own targets, oldest first."""
        return self._own.entries("target") if self._own else []

    def target_names(self) -> list[str]:
        """Lanes of the base, then own ones: a lane keeps its place when others come."""
        return [*self.base.target_names(), *(entry.name for entry in self.own_entries())]

    def default_lanes(self) -> list[str]:
        """Lanes that a visitor gets unasked: those that came with the demo."""
        return self.base.target_names()

    def is_target(self, name: str) -> bool:
        return name in self._guests or super().is_target(name)

    def lane_order(self) -> list[str]:
        """Everybody's lanes, then guests: a lane's place here gives it its colour."""
        return [*self.target_names(), *self._guests]

    def find(self, name: str) -> CheckpointEntry | None:
        guest = self._guests.get(name)
        return guest[0] if guest else super().find(name)

    def admit(self, zoo: Zoo, name: str) -> None:
        """Makes a target of another zoo a guest."""
        self._guests[name] = (zoo.entry(name), zoo)

    def dismiss(self, name: str) -> None:
        """A guest leaves."""
        self._guests.pop(name, None)

    def verified_path(self, stored: StoredFile) -> Path:
        for entry, zoo in list(self._guests.values()):
            if entry.stored == stored:
                return zoo.verified_path(stored)
        if self._own and any(entry.stored == stored for entry in self.own_entries()):
            return self._own.verified_path(stored)
        return self.base.verified_path(stored)

    def check_room(self) -> None:
        """
        Raises:
            ConfigError: no further own target is kept.
        """
        if len(self.own_entries()) >= MAX_OWN:
            raise ConfigError(
                f"{MAX_OWN} classifiers of your own are kept already; delete one of them first."
            )

    def add_own(
        self,
        entry: CheckpointEntry,
        tensors: Mapping[str, Tensor],
        history: Sequence[Mapping[str, Any]] = (),
    ) -> str:
        """Adds a target, whose name is chosen by the zoo and returned.

        Args:
            history: the epochs of its training, kept for ``history_of``.

        Raises:
            ConfigError: no further one is kept, or the folder cannot be written.
        """
        with self._lock:
            if entry.kind == "target":
                self.check_room()
            name = self._new_name(entry)
            try:
                self._own = Zoo.create(self.folder)
                write_json(self._history(name), list(history))
                self._own.add(replace(entry, name=name), tensors, torch.float32)
            except OSError as error:
                raise ConfigError(
                    f"Cannot write to {self.folder} ({error.strerror}); free some space there, or "
                    "start the demo where it may write."
                ) from error
            self._merge()
            return name

    def history_of(self, name: str) -> list[Any]:
        """The epochs of an own target's training; none where nothing readable is kept."""
        try:
            return list(json.loads(self._history(self.entry(name).name).read_text("utf-8")))
        except (OSError, ValueError, TypeError):
            return []

    def remove(self, name: str) -> None:
        """Deletes an own target.

        Raises:
            ConfigError: it came with the demo, or does not exist.
        """
        with self._lock:
            if self._own is None or name not in [entry.name for entry in self.own_entries()]:
                raise ConfigError(f"There is no classifier {name!r} of your own; reload the page.")
            self._own.remove(name)
            self._history(name).unlink(missing_ok=True)
            self._merge()

    def _history(self, name: str) -> Path:
        return self.folder / f"{name}.history.json"

    def _new_name(self, entry: CheckpointEntry) -> str:
        numbers = [int(own.name.removeprefix(OWN_PREFIX)) for own in self.own_entries()]
        return f"{OWN_PREFIX}{max(numbers, default=0) + 1}"

    def _merge(self) -> None:
        known = self.base.manifest
        self.manifest = replace(known, checkpoints=[*known.checkpoints, *self.own_entries()])
