"""A zoo of the Hub on this machine: from the cache if it is there, else downloaded and checked.

Nothing is fetched but the manifest and the files that it lists, and nothing is parsed before its
size and sha256 agree with the manifest. With a pinned revision and a complete cache no request is
made at all.
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable, Generator
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Event

from huggingface_hub import hf_hub_url, try_to_load_from_cache
from huggingface_hub.errors import EntryNotFoundError
from huggingface_hub.hf_api import RepoFile

from mia_demo.errors import DemoError, HubAccessError, HubError, HubUnreachableError
from mia_demo.system.files import write_bytes
from mia_demo.zoo.folder import FolderZoo
from mia_demo.zoo.hub.access import HubAccess
from mia_demo.zoo.hub.address import HubAddress
from mia_demo.zoo.hub.cache import drop, folder_bytes, is_as_named, is_intact
from mia_demo.zoo.hub.client import (
    ANSWER_SECONDS,
    STALL_SECONDS,
    is_broken_connection,
    while_alive,
    within,
)
from mia_demo.zoo.manifest import MANIFEST, StoredFile
from mia_demo.zoo.reading import Zoo

MAX_MANIFEST_BYTES = 4_000_000
PICKLES = (".bin", ".pt", ".pth", ".pkl", ".pickle", ".ckpt", ".joblib")
SPARE_BYTES = 50_000_000  # left free on the disk

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class DownloadProgress:
    """How far a download is; bytes that the cache had already count as done."""

    done_bytes: int
    total_bytes: int


def open_hub_zoo(
    address: str, progress: Callable[[DownloadProgress], None] | None = None
) -> FolderZoo:
    """``download_zoo`` with this machine's own access, for those who wait.

    Args:
        progress: told how far the download is. What it raises ends the download.
    """
    with closing(download_zoo(address)) as frames:
        for frame in frames:
            if isinstance(frame, FolderZoo):
                zoo = frame
            elif progress is not None:
                progress(frame)
    return zoo


def download_zoo(
    address: str, access: HubAccess | None = None
) -> Generator[DownloadProgress | FolderZoo, None, None]:
    """Opens a zoo of the Hub, downloading what the cache lacks.

    Args:
        address: ``hf://user/repo@revision``; without a revision it is ``main``.
        access: for whom; by default for the owner of this machine.

    Yields:
        About five times a second how far the download is, and the zoo last; its ``origin`` is the
        address with a commit of 40 hex digits. Closing the generator ends the download.

    Raises:
        HubError: no such zoo, no access, other files than the manifest lists, no room.
        HubUnreachableError: the Hub does not answer, and the cache lacks something.
    """
    wanted, granted = HubAddress.parse(address), access or HubAccess()
    try:
        yield from _Download(granted).open(wanted)
    except HubAccessError as error:
        if not granted.is_anonymous:
            raise
        raise HubError(
            f"{wanted} does not exist or is not open to everybody; check user and name: on a "
            "server that others use as well, only public zoos can be loaded."
        ) from error


class _Download:
    def __init__(self, access: HubAccess) -> None:
        self.access = access

    def open(self, wanted: HubAddress) -> Generator[DownloadProgress | FolderZoo, None, None]:
        pinned = wanted if wanted.is_pinned else self._pin(wanted)
        zoo = self._cached_zoo(pinned)
        if zoo is None:
            self._fetch_manifest(pinned)
            zoo = self._cached_zoo(pinned)
        if zoo is None:
            raise HubError(f"{pinned}: {MANIFEST} arrived damaged; try again later.")
        files = zoo.listed_files()
        total, most = sum(stored.bytes for stored in files), self.access.most_bytes
        if total > most:
            limit = f"{most / 1e9:.0f} GB" if most >= 1e9 else f"{most / 1e6:.0f} MB"
            raise HubError(f"{pinned} is larger than {limit}, too large for this demo.")
        bad = [stored for stored in files if not is_intact(zoo.root, stored)]
        if bad:
            try:
                self._check_offer(pinned, bad)
                yield from self._fetch_files(pinned, zoo, bad)
            except HubUnreachableError as error:
                raise HubUnreachableError(f"{error} {_what_is_cached(pinned, zoo)}") from error
        yield zoo

    def _pin(self, address: HubAddress) -> HubAddress:
        """Asks which commit a branch or tag is; without the Hub, what it was when last asked."""
        try:
            pinned = self._look_up(address)
        except HubUnreachableError as error:
            manifest = self._in_cache(address, MANIFEST)
            if manifest is None:
                raise
            pinned = address.at(manifest.parent.name)
            log.warning("%s The cached %s is used.", error, pinned)
            return pinned
        # The client's own note of what a branch is. A cache that is read-only can still be read.
        with suppress(OSError):
            reference = self.access.of_repo(address.repo) / "refs" / address.revision
            write_bytes(reference, pinned.revision.encode())
        return pinned

    def _look_up(self, address: HubAddress) -> HubAddress:
        """One request: the commit, and whether there is a manifest of sensible size."""
        api = self.access.api()
        url = hf_hub_url(address.repo, MANIFEST, revision=address.revision, endpoint=api.endpoint)
        subject = str(address)
        try:
            found = within(
                lambda: api.get_hf_file_metadata(url=url, timeout=ANSWER_SECONDS), subject
            )
        except HubError as error:
            if isinstance(error.__cause__, EntryNotFoundError):
                raise HubError(self._why_no_zoo(address)) from error
            raise
        pinned = address.at(found.commit_hash or "")
        if not pinned.is_pinned:
            raise HubError(
                f"{subject}: {api.endpoint} does not answer like the Hub; check HF_ENDPOINT and "
                "proxy."
            )
        if found.size is not None and found.size > MAX_MANIFEST_BYTES:
            raise HubError(f"{subject}: its {MANIFEST} of {found.size:,} bytes cannot be a zoo's.")
        return pinned

    def _why_no_zoo(self, address: HubAddress) -> str:
        paths = [file.path for file in self._tree(address)]
        pickles = [path for path in paths if path.endswith(PICKLES)]
        if pickles:
            return (
                f"{address} is no zoo: it has no {MANIFEST}, and {pickles[0]} is a pickle, which "
                "is never opened; ask for safetensors uploaded with `python -m mia_demo publish`."
            )
        return (
            f"{address} is no zoo: it has no {MANIFEST}; zoos are uploaded with "
            "`python -m mia_demo publish`."
        )

    def _tree(self, address: HubAddress) -> list[RepoFile]:
        def ask() -> list[RepoFile]:
            entries = self.access.api().list_repo_tree(address.repo, revision=address.revision)
            return [entry for entry in entries if isinstance(entry, RepoFile)]

        return within(ask, str(address))

    def _in_cache(self, address: HubAddress, file: str) -> Path | None:
        found = try_to_load_from_cache(
            address.repo, file, cache_dir=self.access.cache, revision=address.revision
        )
        return Path(found) if isinstance(found, str) else None

    def _cached_zoo(self, pinned: HubAddress) -> FolderZoo | None:
        manifest = self._in_cache(pinned, MANIFEST)
        if manifest is None or not is_as_named(manifest):
            return None
        root = manifest.parent
        try:
            zoo = FolderZoo(root, origin=str(pinned))
        except DemoError as error:
            reason = str(error).replace(f"{root}/", "")
            raise HubError(f"{pinned} is no zoo that this program can read: {reason}") from error
        if zoo.manifest.folder:  # a stranger must not choose which pictures of this machine show
            raise HubError(
                f"{pinned} names a folder of its maker's machine for its identities; ask its owner "
                "for a zoo that holds them as zip files."
            )
        return zoo

    def _check_offer(self, pinned: HubAddress, files: list[StoredFile]) -> None:
        """Refuses before the first byte what could not be accepted after the last."""
        self._look_up(
            pinned
        )  # unlike what follows, the client does not repeat this if nobody answers
        offered = {file.path: file for file in self._tree(pinned)}
        for stored in files:
            offer = offered.get(stored.file)
            if offer is None:
                raise HubError(
                    f"{pinned} lacks {stored.file}, which its manifest lists; choose another "
                    "revision or tell its owner."
                )
            hashed = offer.lfs.sha256 if offer.lfs else stored.sha256
            if (offer.size, hashed) != (stored.bytes, stored.sha256):
                raise HubError(
                    f"{pinned}: {stored.file} is not the file that its manifest lists; choose "
                    "another revision or tell its owner."
                )
        needed = sum(stored.bytes for stored in files)
        cache = self.access.cache
        disk = next(folder for folder in (cache, *cache.parents) if folder.exists())
        if (free := shutil.disk_usage(disk).free) < needed + SPARE_BYTES:
            raise HubError(
                f"{pinned} needs {needed / 1e6:,.0f} MB more in {cache}, where "
                f"{free / 1e6:,.0f} MB are free; make room there or set HF_HOME to another disk."
            )

    def _fetch_manifest(self, pinned: HubAddress) -> None:
        if self._look_up(pinned) != pinned:
            raise HubError(f"{pinned}: the Hub answers with another commit; try again later.")
        cached = self._in_cache(pinned, MANIFEST)
        if cached is not None:
            drop(cached)
        within(lambda: self._fetch(pinned, MANIFEST), str(pinned), STALL_SECONDS)

    def _fetch_files(
        self, pinned: HubAddress, zoo: Zoo, files: list[StoredFile]
    ) -> Generator[DownloadProgress, None, None]:
        total = sum(stored.bytes for stored in zoo.listed_files())
        needed = sum(stored.bytes for stored in files)
        stopped = Event()
        for stored in files:
            if (zoo.root / stored.file).is_file():
                log.warning("%s: %s is damaged and downloaded again.", pinned, stored.file)
                drop(zoo.root / stored.file)
        blobs = self.access.of_repo(pinned.repo) / "blobs"
        before = folder_bytes(blobs)

        def fetch() -> None:
            for stored in files:
                for attempt in (1, 2):
                    if stopped.is_set():
                        return
                    try:
                        self._fetch(pinned, stored.file)
                    except Exception as error:
                        if attempt == 2 or not is_broken_connection(error):
                            raise
                        continue
                    if is_intact(zoo.root, stored):
                        break
                    drop(zoo.root / stored.file)
                    if attempt == 2:
                        raise HubError(
                            f"{pinned}: {stored.file} arrived damaged twice, its sha256 is not the "
                            "manifest's; try again later or tell its owner."
                        )

        def fetched() -> int:
            return max(0, min(needed, folder_bytes(blobs) - before))

        try:
            for done in while_alive(fetch, str(pinned), fetched, STALL_SECONDS):
                yield DownloadProgress(total - needed + done, total)
        finally:
            stopped.set()
        yield DownloadProgress(total, total)

    def _fetch(self, pinned: HubAddress, file: str) -> None:
        self.access.api().hf_hub_download(
            pinned.repo,
            file,
            revision=pinned.revision,
            cache_dir=self.access.cache,
            etag_timeout=ANSWER_SECONDS,
        )


def _what_is_cached(pinned: HubAddress, zoo: Zoo) -> str:
    files = zoo.listed_files()
    whole = sum(is_intact(zoo.root, stored) for stored in files)
    damaged = [
        stored.file
        for stored in files
        if (zoo.root / stored.file).is_file() and not is_intact(zoo.root, stored)
    ]
    text = f"The cache has {whole} of the zoo's {len(files)} files"
    if damaged:
        return (
            f"{text}, and {', '.join(damaged)} is damaged: it is fetched again when the Hub "
            f"answers, or drop all with `hf cache rm model/{pinned.repo}`."
        )
    return f"{text}; the others follow when the Hub answers."
