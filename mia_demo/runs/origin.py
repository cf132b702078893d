"""Where a run was computed, and what has changed since."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import torch

from mia_demo.system.device import Compute
from mia_demo.zoo.manifest import library_versions
from mia_demo.zoo.reading import Zoo


def place_of(compute: Compute) -> dict[str, Any]:
    """Where something is computed, as far as it may decide the last bits."""
    return {
        "device": str(compute.device),
        "precision": compute.precision,
        "threads": torch.get_num_threads(),
    }


@dataclass(frozen=True)
class Origin:
    """Where a run was computed, with what.

    Attributes:
        place: as ``place_of`` tells it, as far as it was noted.
        versions: by library.
        checkpoints: sha256 of every network that took part, by name.
    """

    place: Mapping[str, Any]
    versions: Mapping[str, str]
    checkpoints: Mapping[str, str]

    def facts(self) -> dict[str, str]:
        """Versions and hashes, to compare with those of another run."""
        return {f"version of {name}": value for name, value in self.versions.items()} | {
            f"weights of {name}": sha256[:12] for name, sha256 in self.checkpoints.items()
        }

    def changes_since(self, zoo: Zoo, compute: Compute) -> list[str]:
        """What is no longer as it was: each a reason why a repetition may differ."""
        place = place_of(compute).items()
        versions = library_versions().items()
        return [
            *self._changed_weights(zoo),
            *_changed((name, self.place[name], now) for name, now in place if name in self.place),
            *_changed((name, self.versions.get(name), now) for name, now in versions),
        ]

    def _changed_weights(self, zoo: Zoo) -> list[str]:
        changes = []
        for name, sha256 in self.checkpoints.items():
            entry = zoo.find(name)
            if entry is None:
                changes.append(f"{name} is not in this zoo")
            elif entry.stored.sha256 != sha256:
                changes.append(f"{name} has other weights")
        return changes


def _changed(values: Iterable[tuple[str, Any, Any]]) -> list[str]:
    return [f"{name} {then} then, {now} now" for name, then, now in values if then != now]
