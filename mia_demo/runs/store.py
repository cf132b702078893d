"""The folder of kept attacks, and the recorded ones that came with the zoo."""

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
from mia_demo.runs.attack_run import RUN_FILE, AttackRun, load_attack, save_attack
from mia_demo.runs.damaged_run import DamagedRun
from mia_demo.runs.names import RunNames
from mia_demo.runs.replay import Replay
from mia_demo.system.files import writing_to
from mia_demo.zoo.reading import Zoo

RECORDED_RUNS = "recorded"  # inside a zoo
NAMES_FILE = "names.json"
MAX_RUNS = 200
MAX_RUNS_BYTES = 200_000_000
MAX_PICTURES = 50  # per lane, as many as the paper keeps
_OURS = re.compile(r"attack-\d{8}-\d{6}-[0-9a-f]{16}")  # never a folder named by a user
NO_SUCH_RUN = "There is no such run any more; choose another from the list."
_UNFINISHED = ".saving-"
_GONE = ".deleted-"

log = logging.getLogger(__name__)


class RunStore:
    """Finds, keeps and deletes runs; safe to use from several threads.

    Args:
        root: where new runs are kept; created with the first of them.
        zoo: its ``recorded`` folder holds the recorded runs.
        max_runs, max_bytes: beyond these, the visitors' oldest runs are deleted.
    """

    def __init__(
        self, root: Path, zoo: Zoo, *, max_runs: int = MAX_RUNS, max_bytes: int = MAX_RUNS_BYTES
    ) -> None:
        self.root = root
        self.names = RunNames(root / NAMES_FILE)
        self._recorded = zoo.root / RECORDED_RUNS
        self._max_runs = max_runs
        self._max_bytes = max_bytes
        self._lock = threading.Lock()
        for leftover in (*root.glob(f"{_UNFINISHED}*"), *root.glob(f"{_GONE}*")):
            shutil.rmtree(leftover, ignore_errors=True)

    def runs(self) -> list[AttackRun | DamagedRun]:
        """Newest first, then the recorded ones by identity; damaged ones among them."""
        own = sorted(self._in(self.root), key=lambda run: run.date, reverse=True)
        return own + self._in(self._recorded)

    def attacks(self) -> list[AttackRun]:
        """The runs that can be read."""
        return [run for run in self.runs() if isinstance(run, AttackRun)]

    def recorded(self) -> list[AttackRun]:
        """Readable runs that came with the zoo, by identity."""
        return [run for run in self._in(self._recorded) if isinstance(run, AttackRun)]

    def attack(self, key: str) -> AttackRun:
        """The attack of this key.

        Raises:
            ConfigError: there is none.
        """
        run = next((run for run in self.attacks() if run.key == key), None)
        if run is None:
            raise ConfigError(NO_SUCH_RUN)
        return run

    def keep(self, report: dict[str, Any], frame: AttackFrame, replay: Replay) -> str:
        """Saves an attack, whole or not at all, and deletes old ones if there are too many.

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
            with writing_to(self.root):
                save_attack(
                    unfinished, report, frame, replay, shown_as=Path(), max_pictures=MAX_PICTURES
                )
                unfinished.rename(self.root / name)
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)
        try:
            self._make_room(self.root / name)
        except (OSError, ConfigError) as error:  # the new run is kept all the same
            log.warning("old runs were not deleted: %s", error)
        return f"{self.root.name}/{name}"

    def delete(self, key: str) -> None:
        """Deletes a run that was made here.

        Raises:
            ConfigError: it came with the zoo, does not exist, or cannot be deleted.
        """
        run = next((run for run in self.runs() if run.key == key), None)
        if run is None:
            raise ConfigError(NO_SUCH_RUN)
        if run.is_recorded:
            raise ConfigError("Recorded runs came with the demo and stay.")
        delete_folder(run.folder)
        self.names.set(key, "")

    def _in(self, root: Path) -> list[AttackRun | DamagedRun]:
        """By identity, damaged ones last."""
        is_recorded = root == self._recorded
        readable: list[AttackRun] = []
        damaged: list[DamagedRun] = []
        for path in root.glob(f"*/{RUN_FILE}"):
            key = f"{root.name}/{path.parent.name}"
            if path.parent.name.startswith(".") or path.parent.is_symlink():
                continue
            name = "" if is_recorded else self.names.get(key)
            try:
                readable.append(load_attack(path.parent, key, is_recorded=is_recorded, name=name))
            except DataError as error:
                damaged.append(DamagedRun(key, path, is_recorded, str(error), name))
        return [*sorted(readable, key=lambda run: run.config.identity), *damaged]

    def _make_room(self, newest: Path) -> None:
        """Deletes visitors' runs, oldest first, named ones last."""
        with self._lock:
            runs = [
                run
                for run in self._in(self.root)
                if _OURS.fullmatch(run.folder.name) and run.folder != newest
            ]
            runs.sort(key=lambda run: (bool(run.name), run.date))
            sizes = {run.key: _size(run.folder) for run in runs}
            total = sum(sizes.values()) + _size(newest)
            for number, run in enumerate(runs):
                if len(runs) - number < self._max_runs and total <= self._max_bytes:
                    break
                total -= sizes[run.key]
                self.delete(run.key)


def delete_folder(folder: Path) -> None:
    """Deletes a run's folder.

    Raises:
        ConfigError: it cannot be deleted.
    """
    try:
        # First out of the list, then from the disk: half a run is never seen.
        gone = folder.with_name(f"{_GONE}{secrets.token_hex(8)}")
        folder.rename(gone)
    except OSError as error:
        raise ConfigError(f"This run cannot be deleted ({error.strerror}).") from error
    shutil.rmtree(gone, ignore_errors=True)


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.iterdir())
