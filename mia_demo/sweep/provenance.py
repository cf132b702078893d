"""Where and with what results were computed."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from mia_demo.system.clock import time_now
from mia_demo.system.device import Compute
from mia_demo.zoo.manifest import library_versions
from mia_demo.zoo.reading import Zoo


@dataclass(frozen=True, kw_only=True)
class Provenance:
    """Of a table or a row of a board.

    Attributes:
        date: UTC, ISO 8601, when it was computed.
        commit: of the program, with ``+`` if files were changed; empty outside a git checkout.
        seconds: of attacking, summed over all attacks.
        checkpoints: sha256 of every network that took part.
    """

    date: str
    commit: str
    identities: list[int]
    seeds: list[int]
    device: str
    precision: str
    seconds: float
    versions: dict[str, str]
    checkpoints: dict[str, str]

    @staticmethod
    def now(
        compute: Compute,
        identities: Sequence[int],
        seeds: Sequence[int],
        seconds: float,
        checkpoints: dict[str, str],
    ) -> Provenance:
        """Of what has just been computed here."""
        return Provenance(
            date=time_now(),
            commit=source_commit(),
            identities=list(identities),
            seeds=list(seeds),
            device=str(compute.device),
            precision=compute.precision,
            seconds=round(seconds, 1),
            versions=library_versions(),
            checkpoints=checkpoints,
        )


def changed_since(records: Iterable[Provenance], zoo: Zoo) -> str:
    """Which networks of these records the zoo has with other weights by now; empty if none."""
    present = {entry.name: entry.stored.sha256 for entry in zoo.manifest.checkpoints}
    changed = {
        name: None  # in order, each once
        for record in records
        for name, sha256 in record.checkpoints.items()
        if present.get(name, sha256) != sha256
    }
    return (
        f"Recorded with other weights than this zoo has now: {', '.join(changed)}."
        if changed
        else ""
    )


def source_commit() -> str:
    """Short hash of the program's git commit; empty when there is none."""
    root = Path(__file__).resolve().parents[2]

    def git(*arguments: str) -> str:
        # Without optional locks: git would leave one behind on a full disk.
        command = ["git", "--no-optional-locks", "-C", str(root), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    try:
        changed = git("status", "--porcelain", "--untracked-files=no")
        return git("rev-parse", "--short=12", "HEAD") + ("+" if changed else "")
    except (OSError, subprocess.CalledProcessError):
        return ""
