"""What one visitor adds to the demo: classifiers of its people, and zoos with people of their own.

A classifier from a file, or from a zoo on the Hub with the demo's own identities, becomes a further
lane. A zoo of other identities becomes other people to attack, with its own prior and evaluator.
Everything is a stranger's and looked through before it is used; what was added is on nobody else's
page.
"""

import hashlib
import itertools
import json
import logging
import secrets
import shutil
import tempfile
import threading
from collections.abc import Generator
from dataclasses import dataclass, replace
from pathlib import Path

from mia_demo.errors import CheckpointError, ConfigError
from mia_demo.system.files import sha256_of, writing_to
from mia_demo.visitors.entries import clean_entry, read_entry
from mia_demo.visitors.networks import (
    check_classifier_weights,
    check_file,
    check_prior_weights,
    fits_pool,
)
from mia_demo.visitors.own_people import People
from mia_demo.zoo.folder import FolderZoo
from mia_demo.zoo.layers import LayeredZoo
from mia_demo.zoo.manifest import MANIFEST, MAX_MANIFEST_BYTES, CheckpointEntry
from mia_demo.zoo.own_folder import OwnFolder
from mia_demo.zoo.reading import SelectedZoo, Zoo

MAX_ADDED_LANES = 8  # of a visitor
MAX_ZOOS = 3  # with people of their own, of a visitor
MAX_SHOWN_PEOPLE = 1000  # whose faces the Attack page shows
MAX_ZOO_TARGETS = 64  # each is looked through
MAX_UPLOAD_BYTES = 50 * 2**20
# Names are ours: no stranger's words are in them.
HUB_LANE, UPLOADED_LANE, HUB_PEOPLE = "hub", "upload", "hub-people-"
STAGING = ".staging-"  # folders beside those of added models, while a file is looked through
UPLOADED = "uploaded"  # the source of a file; that of others is their zoo's address

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class HubPeople(People):
    """People of a zoo from the Hub, with everything that an attack on them needs.

    Attributes:
        origin: address of the zoo with its commit.
    """

    origin: str


@dataclass(frozen=True)
class Checking:
    """A checkpoint is being looked through."""

    name: str


@dataclass(frozen=True)
class Addition:
    """What was added.

    Attributes:
        lanes: names of new lanes.
        people: new people to attack.
        left_out: why classifiers were not taken.
    """

    lanes: tuple[str, ...] = ()
    people: HubPeople | None = None
    left_out: tuple[str, ...] = ()


News = Checking | Addition


class AddedModels:
    """One visitor's.

    Args:
        demo: the zoo that everybody sees; the lanes become its guests.
        folder: where their weights lie; made with the first.
    """

    def __init__(self, demo: LayeredZoo, folder: Path) -> None:
        self.demo = demo
        self.folder = folder
        self.people: list[HubPeople] = []
        self._lock = threading.Lock()
        self._zoo: FolderZoo | None = None
        try:
            if (folder / MANIFEST).exists():
                self._zoo = FolderZoo(folder)
                for entry in self.lanes():
                    demo.admit(self._zoo, entry.name)
        except CheckpointError as error:  # the demo goes on without them; adding one says why
            log.warning("added classifiers are left out: %s", error)

    def lanes(self) -> list[CheckpointEntry]:
        """Further classifiers of the demo's people, oldest first."""
        return self._zoo.entries("target") if self._zoo else []

    def lane_names(self) -> list[str]:
        return [entry.name for entry in self.lanes()]

    def add_upload(self, weights: Path, entry_file: Path) -> Generator[News, None, None]:
        """A classifier from a safetensors file and its manifest entry.

        Raises:
            CheckpointError: something is wrong with them.
            ConfigError: no room.
        """
        self._check_room()
        if weights.stat().st_size > MAX_UPLOAD_BYTES:
            raise CheckpointError(
                f"The weights have {weights.stat().st_size / 2**20:.0f} MB; the limit is "
                f"{MAX_UPLOAD_BYTES // 2**20} MB."
            )
        with entry_file.open("rb") as file:
            entry = read_entry(file.read(MAX_MANIFEST_BYTES + 1), sha256_of(weights))
        check_file(weights, entry.stored)
        for known in [*self.demo.entries("target"), *self.lanes()]:
            if known.stored.sha256 == entry.stored.sha256:
                raise ConfigError(f"This classifier is here already, as {known.name}.")
        yield Checking(entry.name)
        with writing_to(self.folder.parent):
            self.folder.parent.mkdir(parents=True, exist_ok=True)
            place = tempfile.TemporaryDirectory(prefix=STAGING, dir=self.folder.parent)
        with place as folder:
            with writing_to(self.folder.parent):
                staging = FolderZoo.create(Path(folder))
                staging.take(weights, entry, entry.name)
            entry = staging.entry(entry.name)
            check_classifier_weights(staging, entry, len(self.demo.identities()))
            yield Addition(lanes=(self._adopt(staging, entry, UPLOADED_LANE, UPLOADED),))

    def add_zoo(self, zoo: Zoo) -> Generator[News, None, None]:
        """A zoo from the Hub: lanes if its identities are the demo's, else other people.

        Raises:
            CheckpointError: nothing of it can be used.
            DataError: its identities cannot be read.
            ConfigError: no room, or it is there already.
        """
        names = [entry.name for entry in zoo.manifest.checkpoints]
        if len(set(names)) < len(names):
            raise CheckpointError(f"{zoo.origin} lists two checkpoints of the same name.")
        is_same = people_digest(zoo) == people_digest(self.demo.base)
        yield from self._add_lanes(zoo) if is_same else self._add_people(zoo)

    def remove(self, name: str) -> None:
        """Takes a lane, or people by their key, away again.

        Raises:
            ConfigError: there is none.
        """
        with self._lock:
            if self._zoo is not None and name in self.lane_names():
                self.demo.dismiss(name)
                self._zoo.remove(name)
                return
            others = [people for people in self.people if people.key != name]
            if len(others) == len(self.people):
                raise ConfigError("That was removed already; reload the page.")
            self.people = others

    def remove_all(self) -> None:
        """Forgets everything and deletes the lanes' weights."""
        with self._lock:
            for name in self.lane_names():
                self.demo.dismiss(name)
            self.people, self._zoo = [], None
            shutil.rmtree(self.folder, ignore_errors=True)

    # -----------------------------------------------------------------------------------------

    def _add_lanes(self, zoo: Zoo) -> Generator[News, None, None]:
        known = {entry.stored.sha256 for entry in [*self.demo.entries("target"), *self.lanes()]}
        fresh = [e for e in zoo.entries("target") if e.stored.sha256 not in known]
        if not fresh:
            raise ConfigError(
                f"{zoo.origin} has no classifier that is not here already; nothing is added."
            )
        added: list[str] = []
        left_out: list[str] = []
        for listed in fresh:
            yield Checking(listed.name)
            try:
                self._check_room()
                entry = clean_entry(listed)
                check_classifier_weights(zoo, entry, len(self.demo.identities()))
                added.append(self._adopt(zoo, entry, HUB_LANE, str(zoo.origin)))
            except (CheckpointError, ConfigError) as error:
                left_out.append(str(error))
        if not added:
            raise CheckpointError(left_out[0])
        yield Addition(lanes=tuple(added), left_out=tuple(left_out))

    def _add_people(self, zoo: Zoo) -> Generator[News, None, None]:
        if any(people.origin == zoo.origin for people in self.people):
            raise ConfigError(f"{zoo.origin} is loaded already; its people are on the Attack page.")
        if len(self.people) >= MAX_ZOOS:
            raise ConfigError(
                f"{MAX_ZOOS} zoos with people of their own are loaded already; remove one first."
            )
        yield Checking("identities")
        identities = zoo.identities()
        count, targets = len(identities), zoo.entries("target")
        limits = {"people": (count, MAX_SHOWN_PEOPLE), "targets": (len(targets), MAX_ZOO_TARGETS)}
        for things, (many, most) in limits.items():
            if many > most:
                raise CheckpointError(
                    f"{zoo.origin} has {many} {things}, this page shows up to {most}; "
                    "attack it with `python -m mia_demo attack --zoo`."
                )
        yield Checking("prior")
        prior = clean_entry(zoo.entry("prior"))
        check_prior_weights(zoo, prior)
        yield Checking("evaluator")
        evaluator = clean_entry(zoo.entry("evaluator"))
        check_classifier_weights(zoo, evaluator, count)
        usable, left_out = [prior, evaluator], []
        for listed in targets:
            yield Checking(listed.name)
            try:
                entry = clean_entry(listed)
                check_classifier_weights(zoo, entry, count)
                usable.append(entry)
            except CheckpointError as error:
                left_out.append(str(error))
        if len(usable) == 2:
            raise CheckpointError(left_out[0] if left_out else f"{zoo.origin} has no target.")
        for listed in zoo.entries("pool"):
            entry = clean_entry(listed)
            if listed.name == "pool" and fits_pool(SelectedZoo(zoo, usable), entry, count):
                usable.append(entry)
        key = HUB_PEOPLE + secrets.token_urlsafe(16)
        nobody_trains = OwnFolder(self.folder / key)  # never made
        people = HubPeople(
            zoo=LayeredZoo(SelectedZoo(zoo, usable), nobody_trains),
            identities=identities,
            key=key,
            origin=str(zoo.origin),
        )
        with self._lock:
            self.people = [*self.people, people]
        yield Addition(people=people, left_out=tuple(left_out))

    def _check_room(self) -> None:
        if len(self.lanes()) >= MAX_ADDED_LANES:
            raise ConfigError(f"{MAX_ADDED_LANES} classifiers are added already; remove one first.")

    def _adopt(self, source: Zoo, entry: CheckpointEntry, prefix: str, origin: str) -> str:
        """Makes a checked target a lane and returns its name."""
        with self._lock:
            numbered = (f"{prefix}-{number}" for number in itertools.count(1))
            name = next(free for free in numbered if self.demo.find(free) is None)
            known = replace(entry.training, source=origin, source_name=entry.name)
            with writing_to(self.folder):
                self._zoo = self._zoo or FolderZoo.create(self.folder)
                self._zoo.adopt(source, replace(entry, training=known), name)
            self.demo.admit(self._zoo, name)
            return name


def people_digest(zoo: Zoo) -> str:
    """What tells one zoo's people from another's: their photos, and which are trained on."""
    manifest = zoo.manifest
    parts = sorted(part.sha256 for part in manifest.identities)
    text = json.dumps([parts, manifest.train_images, str(manifest.folder)])
    return hashlib.sha256(text.encode()).hexdigest()
