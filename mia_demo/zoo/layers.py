"""A zoo that is only read, and on top of it the classifiers that visitors trained or added.

Readers see one zoo and need not know where a lane lies. What came with the demo is never written
to: everything new goes into a folder of its own. Guests are targets that one visitor added: they
can be loaded by name, but no list has them, so that they are on nobody else's page.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from mia_demo.data.identities import IdentitySet
from mia_demo.data.splits import Items
from mia_demo.zoo.manifest import CheckpointEntry, Manifest, StoredFile
from mia_demo.zoo.own_folder import OwnFolder
from mia_demo.zoo.reading import Zoo

OWN_FOLDER = "own"  # of visitors' classifiers, among the runs


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
