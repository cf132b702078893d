"""A zoo of the Hub on this machine: from the cache if it is there, else downloaded and checked.

Nothing is fetched but the manifest and the files that it lists, and nothing is parsed before its
size and sha256 agree with the manifest. With a pinned revision and a complete cache no request is
made at all.
"""

import hashlib
import logging
import re
from collections.abc import Callable, Generator
from contextlib import closing, suppress
from functools import partial
from pathlib import Path

from huggingface_hub import try_to_load_from_cache

from mia_demo.errors import DemoError, HubAccessError, HubError, HubUnreachableError
from mia_demo.system.files import sha256_of, write_bytes
from mia_demo.zoo.folder import FolderZoo
from mia_demo.zoo.hub.access import HubAccess
from mia_demo.zoo.hub.address import HubAddress
from mia_demo.zoo.hub.client import ANSWER_SECONDS, while_alive, within
from mia_demo.zoo.hub.offer import check_offer, look_up
from mia_demo.zoo.hub.progress import ByteCounter, DownloadProgress
from mia_demo.zoo.manifest import MANIFEST, StoredFile
from mia_demo.zoo.reading import Zoo

ATTEMPTS = 2  # to get files whose sha256 is right
# The client counts 10 MB at a time: few files at once, so that slow networks show progress too. It
# notices by itself when bytes stop coming; the long silence is for what it does not notice.
WORKERS = 2
STALL_SECONDS = 120.0

log = logging.getLogger(__name__)


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
    """Opens a zoo from the Hub, downloading what the cache lacks.

    Args:
        address: ``hf://user/repo@revision``; without a revision it is ``main``.
        access: for whom; by default for the owner of this machine.

    Yields:
        About five times per second how far the download is, and the zoo last; its ``origin`` is the
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
        total, most = sum(stored.bytes for stored in files), self.access.max_bytes
        if total > most:
            limit = f"{most / 1e9:.0f} GB" if most >= 1e9 else f"{most / 1e6:.0f} MB"
            raise HubError(f"{pinned} is larger than {limit}, too large for this demo.")
        bad = [stored for stored in files if not _is_intact(zoo.root, stored)]
        if bad:
            try:
                check_offer(self.access, pinned, bad)
                yield from self._fetch_files(pinned, zoo, bad)
            except HubUnreachableError as error:
                raise HubUnreachableError(f"{error} {_what_is_cached(pinned, zoo)}") from error
        yield zoo

    def _pin(self, address: HubAddress) -> HubAddress:
        """Asks which commit a branch or tag is; without the Hub, what it was when last asked."""
        try:
            pinned = look_up(self.access, address)
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

    def _in_cache(self, address: HubAddress, file: str) -> Path | None:
        found = try_to_load_from_cache(
            address.repo, file, cache_dir=self.access.cache, revision=address.revision
        )
        return Path(found) if isinstance(found, str) else None

    def _cached_zoo(self, pinned: HubAddress) -> FolderZoo | None:
        manifest = self._in_cache(pinned, MANIFEST)
        if manifest is None or not _is_as_named(manifest):
            return None
        root = manifest.parent
        try:
            zoo = FolderZoo(root, origin=str(pinned))
        except DemoError as error:
            reason = str(error).replace(f"{root}/", "")
            raise HubError(f"{pinned} is not a zoo that this program can read: {reason}") from error
        if zoo.manifest.folder:  # a stranger must not choose which pictures of this machine show
            raise HubError(
                f"{pinned} names a folder of its maker's machine for its identities; ask its owner "
                "for a zoo that holds them as zip files."
            )
        return zoo

    def _fetch_files(
        self, pinned: HubAddress, zoo: FolderZoo, files: list[StoredFile]
    ) -> Generator[DownloadProgress, None, None]:
        total = sum(stored.bytes for stored in zoo.listed_files())
        for stored in files:
            if (zoo.root / stored.file).is_file():
                log.warning("%s: %s is damaged and downloaded again.", pinned, stored.file)
        for attempt in range(1, ATTEMPTS + 1):
            lacking = [stored for stored in files if not _is_intact(zoo.root, stored)]
            if not lacking:
                break
            for stored in lacking:
                _drop(zoo.root / stored.file)
            arrived = total - sum(stored.bytes for stored in lacking)
            counter = ByteCounter()
            fetch = partial(self._fetch_snapshot, pinned, lacking, counter)
            try:
                for done in while_alive(fetch, str(pinned), counter.count, STALL_SECONDS):
                    yield DownloadProgress(min(total, arrived + done), total)
            except HubUnreachableError as error:
                broke_off = type(error.__cause__).__name__ == "RemoteProtocolError"
                if attempt == ATTEMPTS or not broke_off:
                    raise  # newer clients have repeated it already
            finally:
                counter.stopped.set()
        for stored in files:
            if not _is_intact(zoo.root, stored):
                raise HubError(
                    f"{pinned}: {stored.file} arrived damaged twice, its sha256 is not the "
                    "manifest's; try again later or tell its owner."
                )
        yield DownloadProgress(total, total)

    def _fetch_snapshot(
        self, pinned: HubAddress, files: list[StoredFile], counter: ByteCounter
    ) -> None:
        self.access.api().snapshot_download(
            pinned.repo,
            revision=pinned.revision,
            cache_dir=self.access.cache,
            allow_patterns=[stored.file for stored in files],
            etag_timeout=ANSWER_SECONDS,
            max_workers=WORKERS,
            tqdm_class=counter.bar,
        )

    def _fetch_manifest(self, pinned: HubAddress) -> None:
        if look_up(self.access, pinned) != pinned:
            raise HubError(f"{pinned}: the Hub answers with another commit; try again later.")
        cached = self._in_cache(pinned, MANIFEST)
        if cached is not None:
            _drop(cached)
        within(
            lambda: self.access.api().hf_hub_download(
                pinned.repo,
                MANIFEST,
                revision=pinned.revision,
                cache_dir=self.access.cache,
                etag_timeout=ANSWER_SECONDS,
            ),
            str(pinned),
            STALL_SECONDS,
        )


def _what_is_cached(pinned: HubAddress, zoo: Zoo) -> str:
    files = zoo.listed_files()
    whole = sum(_is_intact(zoo.root, stored) for stored in files)
    damaged = [
        stored.file
        for stored in files
        if (zoo.root / stored.file).is_file() and not _is_intact(zoo.root, stored)
    ]
    text = f"The cache has {whole} of the zoo's {len(files)} files"
    if damaged:
        return (
            f"{text}, and {', '.join(damaged)} is damaged: it is fetched again when the Hub "
            f"answers, or drop all with `hf cache rm model/{pinned.repo}`."
        )
    return f"{text}; the others follow when the Hub answers."


def _is_as_named(path: Path) -> bool:
    """Whether a cached file hashes to the name that git or LFS gave its blob.

    Where the cache cannot link, there is no such name to compare with.
    """
    name, data = path.resolve().name, path.read_bytes()
    if re.fullmatch(r"[0-9a-f]{40}", name):
        return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest() == name  # noqa: S324 git
    return not re.fullmatch(r"[0-9a-f]{64}", name) or hashlib.sha256(data).hexdigest() == name


def _is_intact(root: Path, stored: StoredFile) -> bool:
    path = root / stored.file
    return (
        path.is_file() and path.stat().st_size == stored.bytes and sha256_of(path) == stored.sha256
    )


def _drop(path: Path) -> None:
    """Removes a cached file, so that the client fetches it anew."""
    path.resolve().unlink(missing_ok=True)
    path.unlink(missing_ok=True)
