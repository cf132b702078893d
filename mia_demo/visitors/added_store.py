"""Everything that visitors added on this machine, and how much of it there may be.

Whoever has the machine for himself gets back what he added before. On a server for others, a
browser tab holds a secret that opens its own additions, which are gone after a day or a restart.
"""

import secrets
import shutil
import threading
from collections import Counter
from pathlib import Path

from huggingface_hub import scan_cache_dir

from mia_demo.errors import ConfigError
from mia_demo.system.leftovers import sweep_leftovers
from mia_demo.visitors.added_models import STAGING, AddedModels, HubPeople, people_digest
from mia_demo.visitors.own_people import KEPT_HOURS
from mia_demo.zoo.hub import HubAccess, HubAddress
from mia_demo.zoo.layers import LayeredZoo

ADDED_FOLDER = "added"  # among the runs
OWNER_FOLDER = "owner-"
TAB_FOLDER = "tab-"
HUB_FOLDER = "hub"  # what tabs loaded; the owner's zoos lie in the client's own cache
MAX_TABS = 100
MAX_TAB_BYTES = 1_000_000_000  # of all tabs' lanes
MAX_TAB_ZOOS = 4  # of all tabs
MAX_ZOO_BYTES = 250_000_000  # of one zoo from the Hub, for a tab


class AddedStore:
    """All visitors' additions.

    Args:
        demo: the zoo that everybody sees.
        folder: where they lie.
    """

    def __init__(self, demo: LayeredZoo, folder: Path) -> None:
        self.demo = demo
        self.folder = folder
        self.owner = owners_models(demo, folder)
        self._tabs: dict[str, AddedModels] = {}
        self._timers: dict[str, threading.Timer] = {}
        self._adding: Counter[str] = Counter()  # additions under way, by key
        self._lock = threading.Lock()
        sweep_leftovers(lambda: folder.glob(f"{STAGING}*"))
        for leftover in (*folder.glob(f"{TAB_FOLDER}*"), folder / HUB_FOLDER):
            shutil.rmtree(leftover, ignore_errors=True)  # nobody has the key any more

    def open_tab(self, key: str) -> tuple[str, AddedModels]:
        """What the key opens, or a new key and nothing yet, for an addition; see ``close_empty``.

        Raises:
            ConfigError: too many tabs have added something.
        """
        with self._lock:
            if key in self._tabs:
                self._adding[key] += 1
                return key, self._tabs[key]
            key = secrets.token_urlsafe(24)
            if len(self._tabs) >= MAX_TABS:
                raise ConfigError(
                    f"{MAX_TABS} visitors of this server have added models already; try again "
                    "later, or start the demo on a machine of your own."
                )
            tab = AddedModels(self.demo, self.folder / f"{TAB_FOLDER}{secrets.token_hex(8)}")
            self._tabs[key] = tab
            self._adding[key] += 1
            self._timers[key] = timer = threading.Timer(KEPT_HOURS * 3600, self._expire, [key])
        timer.daemon = True
        timer.start()
        return key, tab

    def close_empty(self, key: str) -> None:
        """After an addition: forgets a tab that has added nothing, and is adding nothing."""
        with self._lock:
            self._adding[key] -= 1
            if self._adding[key] > 0:
                return
            del self._adding[key]
            tab = self._tabs.get(key)
            if tab is not None and not (tab.people or tab.lanes()):
                del self._tabs[key]
                self._timers.pop(key).cancel()

    def tab(self, key: str) -> AddedModels | None:
        with self._lock:
            return self._tabs.get(key)

    def people(self, key: str) -> HubPeople:
        """
        Raises:
            ConfigError: there are none of this key.
        """
        for models in self._everybody():
            for people in models.people:
                if people.key == key:
                    return people
        raise ConfigError("These people were removed; load their zoo again on the Models page.")

    def access(self, models: AddedModels) -> HubAccess:
        """How this visitor may use the Hub.

        Raises:
            ConfigError: no further zoo is kept for tabs, or there is no room, as ``check_room``.
        """
        if models is self.owner:
            return HubAccess()
        with self._lock:
            used = sum(len(tab.people) for tab in self._tabs.values())
        if used >= MAX_TAB_ZOOS:
            raise ConfigError(
                f"Visitors of this server have loaded {MAX_TAB_ZOOS} zoos already; try again "
                "later, or start the demo on a machine of your own."
            )
        self.check_room(models)
        return HubAccess(self.folder / HUB_FOLDER, is_anonymous=True, max_bytes=MAX_ZOO_BYTES)

    def check_room(self, models: AddedModels) -> None:
        """
        Raises:
            ConfigError: tabs fill the disk that is set aside for them.
        """
        with self._lock:
            used = sum(e.stored.bytes for tab in self._tabs.values() for e in tab.lanes())
        if models is not self.owner and used >= MAX_TAB_BYTES:
            raise ConfigError(
                "Visitors of this server have filled the room for classifiers; try again "
                "later, or start the demo on a machine of your own."
            )

    def make_room(self, wanted: str) -> None:
        """Deletes what tabs loaded from the Hub and removed, or never got whole.

        Args:
            wanted: address of a zoo that is about to be loaded, and may have been begun.
        """
        origins = [people.origin for models in self._everybody() for people in models.people]
        kept = [HubAddress.parse(address) for address in (*origins, wanted) if address]
        cache = HubAccess(self.folder / HUB_FOLDER)
        repos = {cache.of_repo(address.repo) for address in kept}
        for path in cache.cache.glob("models--*"):
            if path not in repos:
                shutil.rmtree(path, ignore_errors=True)
        if not cache.cache.is_dir():
            return
        found = scan_cache_dir(cache.cache)
        names = {(address.repo, address.revision) for address in kept}
        unused = [
            revision.commit_hash
            for repo in found.repos
            for revision in repo.revisions
            if not names & {(repo.repo_id, name) for name in (revision.commit_hash, *revision.refs)}
        ]
        found.delete_revisions(*unused).execute()

    def _everybody(self) -> list[AddedModels]:
        with self._lock:
            return [self.owner, *self._tabs.values()]

    def _expire(self, key: str) -> None:
        with self._lock:
            gone = self._tabs.pop(key, None)
            self._timers.pop(key, None)
        if gone is not None:
            gone.remove_all()


def owners_models(demo: LayeredZoo, folder: Path) -> AddedModels:
    """What the owner of this machine added to this zoo; another zoo's people are others.

    Args:
        folder: of all additions.
    """
    return AddedModels(demo, folder / f"{OWNER_FOLDER}{people_digest(demo.base)[:12]}")
