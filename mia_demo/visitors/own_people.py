"""Visitors' own people: photos, evaluator and targets of one visitor, as a zoo of its own.

Prior, embedder and pool come from the zoo that came with the demo: the attacker's tools know
nobody. A set is opened with a secret that only the visitor's browser tab holds, its folder is named
by the secret's hash, and it is deleted after a day at the latest.
"""

import hashlib
import logging
import secrets
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TypedDict

from mia_demo.data.identities import IdentitySet
from mia_demo.data.splits import Items, seeded_split
from mia_demo.errors import ConfigError, DemoError
from mia_demo.system.files import write_json, write_remedy
from mia_demo.system.json_files import checked, read_json
from mia_demo.system.leftovers import is_idle, sweep_leftovers
from mia_demo.visitors.upload import TEST_SHARE, UploadSummary, store_upload
from mia_demo.zoo.folder import FolderZoo
from mia_demo.zoo.layers import LayeredZoo
from mia_demo.zoo.manifest import CheckpointEntry, Manifest, StoredFile
from mia_demo.zoo.own_folder import OwnFolder
from mia_demo.zoo.reading import Zoo

KEPT_HOURS = 24
MAX_SETS = 20  # on a server, up to 50 MB of photos each
PHOTO_SPLIT_SEED = 42
PHOTOS_FILE = "identities_0.zip"
PEOPLE_FILE = "people.json"  # written last: a folder without it is unfinished
EVALUATOR = "evaluator"
TOOL_KINDS = ("prior", "embedder", "pool")
GONE = (
    "These people are no longer on this machine: they were deleted, or "
    f"{KEPT_HOURS} hours are over. Upload them again."
)

log = logging.getLogger(__name__)


class PhotosZoo(Zoo):
    """A visitor's photos, and from the demo's zoo the attacker's tools, which know nobody.

    Args:
        demo: has the tools.
        folder: has the photos.
    """

    def __init__(self, demo: Zoo, folder: Path) -> None:
        self.root, self.origin = folder, None
        self._photos = FolderZoo(folder)
        self._demo = demo

    @property
    def manifest(self) -> Manifest:
        tools = [e for e in self._demo.manifest.checkpoints if e.kind in TOOL_KINDS]
        return replace(self._photos.manifest, checkpoints=tools)

    def verified_path(self, stored: StoredFile) -> Path:
        is_photos = stored in self._photos.manifest.identities
        return (self._photos if is_photos else self._demo).verified_path(stored)

    def split_items(self, identities: IdentitySet) -> dict[str, Items]:
        # People have different numbers of photos, and tend to sort them by date.
        train, test = seeded_split(identities, PHOTO_SPLIT_SEED, TEST_SHARE)
        return {"train": train, "test": test}


def name_by_alpha(entry: CheckpointEntry, taken: list[str]) -> str:
    """``evaluator``, ``positive``, ``zero``, ``negative``, ``negative-2`` …"""
    if entry.kind == EVALUATOR:
        return EVALUATOR
    alpha = entry.alpha or 0.0
    name = "positive" if alpha > 0 else "negative" if alpha < 0 else "zero"
    numbered = (f"{name}-{number}" for number in range(2, len(taken) + 2))
    return next(free for free in (name, *numbered) if free not in taken)


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

    summary: UploadSummary
    deleted_at: float  # seconds since 1970

    @property
    def has_evaluator(self) -> bool:
        return bool(self.zoo.entries("evaluator"))


class _Stored(TypedDict):
    """``PEOPLE_FILE``."""

    created: float  # seconds since the epoch
    summary: UploadSummary


class PeopleStore:
    """All visitors' own people on this machine.

    Args:
        base: the zoo that came with the demo.
        folder: where they lie, a folder each.
        expired: is called with people whose time is over, once they are deleted.
    """

    def __init__(
        self, base: Zoo, folder: Path, expired: Callable[[OwnPeople], None] = lambda people: None
    ) -> None:
        self.base = base
        self.folder = folder
        self._expired = expired
        self._lock = threading.Lock()
        self._opened: dict[str, OwnPeople] = {}
        self._timers: dict[Path, threading.Timer] = {}
        for path in self._folders():
            self._delete_in_time(path)
        sweep_leftovers(
            lambda: (path for path in self._folders() if not (path / PEOPLE_FILE).exists())
        )

    def create(self, upload: Path) -> Iterator[float | OwnPeople]:
        """Stores the people of an uploaded zip.

        Yields:
            Progress in 0..1 while reading, and the people last.

        Raises:
            DataError: something is wrong with the zip.
            ConfigError: too many sets are kept already, or the disk is full.
        """
        kept = [p for p in self._folders() if (p / PEOPLE_FILE).exists() or not is_idle(p)]
        if len(kept) >= MAX_SETS:
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
            FolderZoo.create(path).set_identities([PHOTOS_FILE], summary.train_images)
            write_json(path / PEOPLE_FILE, {"created": time.time(), "summary": asdict(summary)})
        except OSError as error:
            raise ConfigError(
                f"The photos cannot be stored ({error.strerror or error}); {write_remedy(error)}."
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
            if known is not None and not known.zoo.own.is_deleted:
                return known
            path = self._path(key)
            try:
                found = checked(_Stored, read_json(path / PEOPLE_FILE))
                summary = found["summary"]
                trained = OwnFolder(path, name_by_alpha, GONE)
                zoo = LayeredZoo(PhotosZoo(self.base, path), trained)
                people = OwnPeople(
                    zoo=zoo,
                    identities=zoo.identities(),
                    names=summary.names,
                    key=key,
                    summary=summary,
                    deleted_at=found["created"] + KEPT_HOURS * 3600,
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
        people.zoo.own.delete()
        with self._lock:
            self._opened.pop(key, None)
            timer = self._timers.pop(people.zoo.own.path, None)
        if timer:
            timer.cancel()

    def _folders(self) -> list[Path]:
        return list(self.folder.iterdir()) if self.folder.is_dir() else []

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
        with self._lock:
            self._timers[path] = timer
        timer.start()

    def _expire(self, path: Path) -> None:
        with self._lock:
            self._timers.pop(path, None)
            keys = [k for k, people in self._opened.items() if people.zoo.own.path == path]
            expired = [self._opened.pop(key) for key in keys]
        for people in expired:
            people.zoo.own.delete()
            self._expired(people)
        shutil.rmtree(path, ignore_errors=True)
