"""Visitors' own people: photos, evaluator and targets of one visitor, as a zoo of its own.

Prior, embedder and pool come from the zoo that came with the demo: the attacker's tools know
nobody. A set is opened with a secret that only the visitor's browser tab holds, its folder is named
by the secret's hash, and it is deleted after a day at the latest.
"""

from __future__ import annotations

import hashlib
import json
import logging
import secrets
import shutil
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from torch import Tensor

from mia_demo.data.identities import IdentitySet
from mia_demo.data.splits import Items, seeded_split
from mia_demo.errors import ConfigError, DemoError
from mia_demo.system.files import write_json
from mia_demo.visitors.upload import TEST_SHARE, UploadSummary, store_upload
from mia_demo.zoo.folder import Zoo
from mia_demo.zoo.layers import LayeredZoo
from mia_demo.zoo.manifest import CheckpointEntry, Manifest, StoredFile

KEPT_HOURS = 24
MAX_SETS = 20  # on a server, up to 50 MB of photos each
SPLIT_SEED = 42
PHOTOS_FILE = "identities_0.zip"
PEOPLE_FILE = "people.json"  # written last: a folder without it is unfinished
EVALUATOR = "evaluator"
SHARED_KINDS = ("prior", "embedder", "pool")
GONE = (
    "These people are no longer on this machine: they were deleted, or "
    f"{KEPT_HOURS} hours are over. Upload them again."
)

log = logging.getLogger(__name__)


class OwnPeopleZoo(LayeredZoo):
    """Own identities, their evaluator and targets; the attacker's tools are the base's."""

    def __init__(self, base: Zoo, folder: Path) -> None:
        super().__init__(base, folder)
        self.root = folder
        self._deleted = False

    @property
    def is_deleted(self) -> bool:
        return self._deleted

    @property
    def has_evaluator(self) -> bool:
        return bool(self.entries("evaluator"))

    def target_names(self) -> list[str]:
        return [entry.name for entry in self.own_entries()]

    def default_lanes(self) -> list[str]:
        return self.target_names()

    def verified_path(self, stored: StoredFile) -> Path:
        if any(entry.stored == stored for entry in self.base.manifest.checkpoints):
            return self.base.verified_path(stored)
        return Zoo.verified_path(self, stored)

    def split_items(self, identities: IdentitySet) -> dict[str, Items]:
        # People have different numbers of photos, and tend to sort them by date.
        train, test = seeded_split(identities, SPLIT_SEED, TEST_SHARE)
        return {"train": train, "test": test}

    def check_exists(self) -> None:
        """
        Raises:
            ConfigError: deleted meanwhile.
        """
        if self._deleted:
            raise ConfigError(GONE)

    def add_own(
        self,
        entry: CheckpointEntry,
        tensors: Mapping[str, Tensor],
        history: Sequence[Mapping[str, Any]] = (),
    ) -> str:
        self.check_exists()
        return super().add_own(entry, tensors, history)

    def delete(self) -> None:
        """Deletes everything. What still trains finds out at its next step and cleans up."""
        with self._lock:
            self._deleted = True
            shutil.rmtree(self.folder, ignore_errors=True)

    def _new_name(self, entry: CheckpointEntry) -> str:
        if entry.kind == "evaluator":
            return EVALUATOR
        alpha = entry.alpha or 0.0
        name = "positive" if alpha > 0 else "negative" if alpha < 0 else "zero"
        taken = self.target_names()
        numbered = (f"{name}-{number}" for number in range(2, len(taken) + 2))
        return next(free for free in (name, *numbered) if free not in taken)

    def _merge(self) -> None:
        own = self._own.manifest if self._own else Manifest()
        shared = [e for e in self.base.manifest.checkpoints if e.kind in SHARED_KINDS]
        self.manifest = replace(own, checkpoints=[*shared, *own.checkpoints])


@dataclass(frozen=True, kw_only=True)
class People:
    """Whom a visitor attacks.

    Attributes:
        names: to be shown, by label; empty for the people that came with the demo.
        key: what opens them; empty for the people that came with the demo.
    """

    zoo: LayeredZoo
    identities: IdentitySet
    names: tuple[str, ...] = ()
    key: str = ""


@dataclass(frozen=True, kw_only=True)
class OwnPeople(People):
    """A visitor's own people."""

    zoo: OwnPeopleZoo
    summary: UploadSummary
    deleted_at: float  # seconds since 1970


class PeopleStore:
    """All visitors' own people on this machine.

    Args:
        base: the zoo that came with the demo.
        folder: where they lie, a folder each.
    """

    def __init__(self, base: Zoo, folder: Path) -> None:
        self.base = base
        self.folder = folder
        self._lock = threading.Lock()
        self._opened: dict[str, OwnPeople] = {}
        for path in folder.iterdir() if folder.is_dir() else ():
            self._delete_in_time(path)

    def create(self, upload: Path) -> Iterator[float | OwnPeople]:
        """Stores the people of an uploaded zip.

        Yields:
            Progress in 0..1 while reading, and the people last.

        Raises:
            DataError: something is wrong with the zip.
            ConfigError: too many sets are kept already, or the disk is full.
        """
        if self.folder.is_dir() and len(list(self.folder.iterdir())) >= MAX_SETS:
            raise ConfigError(
                f"{MAX_SETS} visitors' people are kept on this machine already; try again later, "
                "or start the demo on a machine of your own."
            )
        key = secrets.token_urlsafe(24)
        path = self._path(key)
        try:
            path.mkdir(parents=True, mode=0o700)
            for news in store_upload(upload, path / PHOTOS_FILE):
                if isinstance(news, float):
                    yield news
                else:
                    summary = news
            Zoo.create(path).set_identities([PHOTOS_FILE], summary.train_images)
            write_json(path / PEOPLE_FILE, {"created": time.time(), "summary": asdict(summary)})
        except OSError as error:
            raise ConfigError(
                f"The photos cannot be stored ({error.strerror}); free some space on the server."
            ) from error
        finally:
            if not (path / PEOPLE_FILE).exists():  # failed, or the visitor left
                shutil.rmtree(path, ignore_errors=True)
        self._delete_in_time(path)
        yield self.open(key)

    def open(self, key: str) -> OwnPeople:
        """
        Raises:
            ConfigError: there is nothing that this key opens.
        """
        with self._lock:
            known = self._opened.get(key)
            if known is not None and not known.zoo.is_deleted:
                return known
            path = self._path(key)
            try:
                values = json.loads((path / PEOPLE_FILE).read_text("utf-8"))
                summary = UploadSummary.from_json(values["summary"])
                zoo = OwnPeopleZoo(self.base, path)
                people = OwnPeople(
                    zoo=zoo,
                    identities=zoo.identities(),
                    names=summary.names,
                    key=key,
                    summary=summary,
                    deleted_at=float(values["created"]) + KEPT_HOURS * 3600,
                )
            except (OSError, ValueError, KeyError, TypeError, DemoError) as error:
                if not isinstance(error, FileNotFoundError):
                    log.warning("%s cannot be opened: %s", path, error)
                raise ConfigError(GONE) from error
            self._opened[key] = people
            return people

    def delete(self, key: str) -> None:
        """Deletes the people that the key opens, their evaluator and targets.

        Raises:
            ConfigError: there are none.
        """
        people = self.open(key)
        people.zoo.delete()
        with self._lock:
            self._opened.pop(key, None)

    def _path(self, key: str) -> Path:
        # Whoever sees the folder's name cannot open it on the page.
        return self.folder / hashlib.sha256(key.encode()).hexdigest()[:32]

    def _delete_in_time(self, path: Path) -> None:
        age = time.time() - path.stat().st_mtime
        created = path / PEOPLE_FILE
        if created.exists():
            age = time.time() - created.stat().st_mtime
        timer = threading.Timer(max(0.0, KEPT_HOURS * 3600 - age), self._expire, [path])
        timer.daemon = True
        timer.start()

    def _expire(self, path: Path) -> None:
        with self._lock:
            expired = [k for k, people in self._opened.items() if people.zoo.folder == path]
            for key in expired:
                self._opened.pop(key).zoo.delete()
        shutil.rmtree(path, ignore_errors=True)
