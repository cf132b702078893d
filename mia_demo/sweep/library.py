"""The results at hand: sweeps recorded with the zoo, and the visitors' own."""

import logging
from dataclasses import dataclass
from pathlib import Path

from mia_demo.attack.config import AttackConfig
from mia_demo.attack.lanes import STAGE_SEPARATOR
from mia_demo.attack.named import TITLES, attack_name
from mia_demo.errors import ConfigError, DataError
from mia_demo.sweep.pooling import target_of
from mia_demo.sweep.provenance import changed_since
from mia_demo.sweep.results import RESULTS_FILE, Record, SweepResults, load_results, read_record
from mia_demo.zoo.reading import Zoo

NO_RESULTS = "There are no results {!r}; choose others from the list."
RECORDED_FOLDER = "results"  # inside a zoo

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Sweep:
    """A finished sweep on disk.

    Attributes:
        key: names it, here and on the page; folders are never built from a visitor's words.
        is_recorded: it came with the zoo.
    """

    key: str
    folder: Path
    is_recorded: bool
    record: Record

    @property
    def title(self) -> str:
        """One line for lists of results."""
        if self.is_recorded:
            return f"{_in_words(self.record)} × {len(self.record.identities)}"
        preset = self.record.settings.get("preset", "custom")
        day, time = self.record.date[5:10], self.record.date[11:16]
        return f"{preset} × {len(self.record.identities)}, {day} {time}"

    def load(self) -> SweepResults:
        """Figures and pictures.

        Raises:
            DataError: damaged.
        """
        return load_results(self.folder)


def _name_of(record: Record) -> str:
    known = AttackConfig.__dataclass_fields__.keys() - {"identity", "seed", "lanes"}
    try:
        settings = {k: v for k, v in record.settings.items() if k in known}
        return attack_name(AttackConfig(**settings)) or ""
    except (ConfigError, TypeError):
        return ""  # older, or damaged


def _in_words(record: Record) -> str:
    """What sets recorded results apart from others, briefly."""
    targets = {target_of(lane) for lane in record.lanes}
    loss = record.settings.get("loss", "cross_entropy")
    if any(STAGE_SEPARATOR in lane for lane in record.lanes):
        return "Stage by stage"
    if len(targets) < len(record.lanes):
        return f"{len(record.lanes) // len(targets)} trainings each"
    if loss != "cross_entropy":
        return f"{TITLES.get(loss, loss)} loss"
    if (name := _name_of(record)) != "cross_entropy":
        return f"{TITLES.get(name, 'Another')} attack"
    if len(targets) > 3:
        return f"{len(targets)} values of α"
    return f"{str(record.settings.get('preset', 'custom')).capitalize()} attack"


@dataclass(frozen=True)
class ResultsLibrary:
    """Finds finished sweeps.

    Attributes:
        zoo: its ``results`` folder holds the recorded ones.
        runs: where visitors' sweeps land.
    """

    zoo: Zoo
    runs: Path

    def sweeps(self) -> list[Sweep]:
        """Recorded ones by name, then the visitors' newest first; unreadable ones are left out."""
        recorded = self._in(self.zoo.root / RECORDED_FOLDER, is_recorded=True)
        own = self._in(self.runs, is_recorded=False)
        newest_first = sorted(own, key=lambda sweep: sweep.record.date, reverse=True)
        # The whole zoo, as published, comes before experiments.
        return sorted(recorded, key=lambda sweep: sweep.folder.name != "standard") + newest_first

    def sweep(self, key: str) -> Sweep:
        """The sweep of this key.

        Raises:
            ConfigError: there is none.
        """
        for sweep in self.sweeps():
            if sweep.key == key:
                return sweep
        raise ConfigError(NO_RESULTS.format(key))

    def key(self, folder: Path) -> str:
        """The key of a visitor's sweep."""
        return f"{self.runs.name}/{folder.name}"

    def caveat(self, record: Record) -> str:
        """Which of the sweep's networks the zoo no longer has; empty if it has them all."""
        if changed := changed_since([record], self.zoo):
            return changed
        entries = self.zoo.manifest.checkpoints
        # Those of a training seed have a name of their own.
        present = {word for entry in entries for word in (entry.name, entry.stored.sha256)}
        used = record.checkpoints
        missing = [name for name in used if not {name, used[name]} & present]
        names = ", ".join(missing)
        return f"Not in this zoo, so not to be attacked live: {names}." if missing else ""

    def damaged(self) -> dict[Path, str]:
        """Files of the visitors' sweeps that cannot be read, and why."""
        reasons = {}
        for path in sorted(self.runs.glob(f"*/{RESULTS_FILE}")):
            try:
                read_record(path.parent)
            except DataError as error:
                reasons[path] = str(error)
        return reasons

    def _in(self, root: Path, *, is_recorded: bool) -> list[Sweep]:
        found = []
        for path in sorted(root.glob(f"*/{RESULTS_FILE}")):
            try:
                record = read_record(path.parent)
            except DataError as error:
                log.warning("%s is left out: %s", path.parent, error)
                continue
            key = f"{root.name}/{path.parent.name}"
            found.append(Sweep(key, path.parent, is_recorded, record))
        return found
