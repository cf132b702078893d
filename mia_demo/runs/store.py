"""All kept attacks: those that came with the zoo, and those made here."""

from __future__ import annotations

import logging
import re
import secrets
import shutil
import threading
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from mia_demo.attack.frames import AttackFrame
from mia_demo.errors import ConfigError, DataError
from mia_demo.runs.folder import RUN_FILE, AttackRun, load_run, save_attack
from mia_demo.runs.names import RunNames
from mia_demo.runs.replay import Replay
from mia_demo.zoo.reading import Zoo

RECORDED_RUNS = "recorded"  # inside a zoo
NAMES_FILE = "names.json"
MAX_RUNS = 200
MAX_BYTES = 200_000_000
MAX_PICTURES = 50  # of a lane, as many as the paper keeps
_OURS = re.compile(r"attack-\d{8}-\d{6}-[0-9a-f]{16}")  # never a folder that somebody chose
_UNFINISHED = ".saving-"
_GONE = ".deleted-"

log = logging.getLogger(__name__)


class RunStore:
    """Finds, keeps and deletes runs; safe to use from several threads.

    Args:
        root: where new runs land; made with the first of them.
        zoo: its ``recorded`` folder holds those that came with it.
        most_runs, most_bytes: beyond these, the oldest runs made by visitors go.
    """

    def __init__(
        self, root: Path, zoo: Zoo, *, most_runs: int = MAX_RUNS, most_bytes: int = MAX_BYTES
    ) -> None:
        self.root = root
        self.names = RunNames(root / NAMES_FILE)
        self._recorded = zoo.root / RECORDED_RUNS
        self._most_runs = most_runs
        self._most_bytes = most_bytes
        self._lock = threading.Lock()
        for leftover in (*root.glob(f"{_UNFINISHED}*"), *root.glob(f"{_GONE}*")):
            shutil.rmtree(leftover, ignore_errors=True)

    def attacks(self) -> list[AttackRun]:
        """Newest first, then the recorded ones by identity; unreadable ones are left out."""
        own = sorted(self._in(self.root), key=lambda run: run.report["date"], reverse=True)
        return own + self.recorded()

    def recorded(self) -> list[AttackRun]:
        """Those that came with the zoo, by identity."""
        return sorted(self._in(self._recorded), key=lambda run: run.config.identity)

    def attack(self, key: str) -> AttackRun:
        """The attack of this key.

        Raises:
            ConfigError: there is none.
        """
        for run in self.attacks():
            if run.key == key:
                return run
        raise ConfigError("There is no such run any more; choose another from the list.")

    def keep(self, report: dict[str, Any], frame: AttackFrame, replay: Replay) -> str:
        """Saves an attack whole or not at all, and drops old ones if there are too many.

        Returns:
            The run's key.

        Raises:
            ConfigError: the folder cannot be written.
        """
        now = datetime.now(timezone.utc).strftime("%Y%m%d-%H%M%S")
        # Nobody can guess the name of another visitor's run.
        name = f"attack-{now}-{secrets.token_hex(8)}"
        unfinished = self.root / f"{_UNFINISHED}{name}"
        try:
            save_attack(
                unfinished,
                report,
                frame,
                replay,
                shown_as=Path(),
                most_pictures=MAX_PICTURES,
            )
            unfinished.rename(self.root / name)
        except OSError as error:
            raise ConfigError(f"Cannot write to {self.root} ({error.strerror}).") from error
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)
        self._make_room(self.root / name)
        return f"{self.root.name}/{name}"

    def delete(self, key: str) -> None:
        """Deletes a run that was made here.

        Raises:
            ConfigError: it came with the zoo, does not exist, or cannot be deleted.
        """
        run = self.attack(key)
        if run.is_recorded:
            raise ConfigError("Recorded runs came with the demo and stay.")
        try:
            # First out of the list, then from the disk: no half a run is ever seen.
            gone = run.folder.with_name(f"{_GONE}{secrets.token_hex(8)}")
            run.folder.rename(gone)
        except OSError as error:
            raise ConfigError(f"This run cannot be deleted ({error.strerror}).") from error
        shutil.rmtree(gone, ignore_errors=True)
        self.names.set(key, "")

    def _in(self, root: Path) -> list[AttackRun]:
        is_recorded = root == self._recorded
        found = []
        for path in root.glob(f"*/{RUN_FILE}"):
            key = f"{root.name}/{path.parent.name}"
            if path.parent.name.startswith(".") or path.parent.is_symlink():
                continue
            try:
                name = "" if is_recorded else self.names.get(key)
                found.append(load_run(path.parent, key, is_recorded=is_recorded, name=name))
            except DataError as error:
                log.warning("left out: %s", error)
        return found

    def _make_room(self, newest: Path) -> None:
        """Drops runs of visitors, oldest first, those with a name last."""
        with self._lock:
            runs = [
                run
                for run in self._in(self.root)
                if _OURS.fullmatch(run.folder.name) and run.folder != newest
            ]
            runs.sort(key=lambda run: (bool(run.name), run.report["date"]))
            sizes = {run.key: _size(run.folder) for run in runs}
            total = sum(sizes.values()) + _size(newest)
            for number, run in enumerate(runs):
                if len(runs) - number < self._most_runs and total <= self._most_bytes:
                    break
                total -= sizes[run.key]
                self.delete(run.key)


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.iterdir())
