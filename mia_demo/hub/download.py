"""A zoo of the Hub on this machine: from the cache if it is there, else downloaded and checked.

Nothing is fetched but the manifest and the files that it lists, and nothing is parsed before its
size and sha256 agree with the manifest. With a pinned revision and a complete cache no request is
made at all.
"""

from __future__ import annotations

import hashlib
import logging
import re
import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Event

from huggingface_hub import constants, hf_hub_url, try_to_load_from_cache
from huggingface_hub.errors import EntryNotFoundError
from huggingface_hub.hf_api import RepoFile

from mia_demo.errors import CheckpointError, HubError, HubUnreachableError
from mia_demo.files import sha256_of, write_bytes
from mia_demo.hub.address import HubAddress
from mia_demo.hub.client import (
    ANSWER_SECONDS,
    STALL_SECONDS,
    hub,
    is_broken_connection,
    while_alive,
    within,
)
from mia_demo.zoo import MANIFEST, StoredFile, Zoo

MOST_MANIFEST_BYTES = 4_000_000
MOST_BYTES = 4_000_000_000
PICKLES = (".bin", ".pt", ".pth", ".pkl", ".pickle", ".ckpt", ".joblib")
SPARE_BYTES = 50_000_000  # left free on the disk

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class DownloadProgress:
    """How far a download is; bytes that the cache had already count as done."""

    done_bytes: int
    total_bytes: int


Progress = Callable[[DownloadProgress], None]


def open_hub_zoo(address: str, progress: Progress = lambda _: None) -> Zoo:
    """Opens a zoo of the Hub, downloading what the cache lacks.

    Args:
        address: ``hf://user/repo@revision``; without a revision it is ``main``.
        progress: told about five times a second, on this thread, how far the download is. What it
            raises ends the download.

    Returns:
        the zoo; its ``origin`` is the address with a commit of 40 hex digits.

    Raises:
        HubError: no such zoo, no access, other files than the manifest lists, no room.
        HubUnreachableError: the Hub does not answer, and the cache lacks something.
    """
    wanted = HubAddress.parse(address)
    pinned = wanted if wanted.is_pinned else _pin(wanted)
    zoo = _cached_zoo(pinned)
    if zoo is None:
        _fetch_manifest(pinned)
        zoo = _cached_zoo(pinned)
    if zoo is None:
        raise HubError(f"{pinned}: {MANIFEST} arrived damaged; try again later.")
    files = zoo.listed_files()
    if sum(stored.bytes for stored in files) > MOST_BYTES:
        raise HubError(f"{pinned} is larger than {MOST_BYTES / 1e9:.0f} GB, too large for a demo.")
    bad = [stored for stored in files if not _is_intact(zoo.root, stored)]
    if bad:
        try:
            _check_offer(pinned, bad)
            _fetch_files(pinned, zoo, bad, progress)
        except HubUnreachableError as error:
            raise HubUnreachableError(f"{error} {_what_is_cached(pinned, zoo)}") from error
    return zoo


def cache_folder(address: HubAddress) -> Path:
    """Where the client keeps a repository's files."""
    return Path(constants.HF_HUB_CACHE) / f"models--{address.repo.replace('/', '--')}"


def _pin(address: HubAddress) -> HubAddress:
    """Asks which commit a branch or tag is; without the Hub, what it was when last asked."""
    try:
        pinned = _look_up(address)
    except HubUnreachableError as error:
        manifest = try_to_load_from_cache(address.repo, MANIFEST, revision=address.revision)
        if not isinstance(manifest, str):
            raise
        pinned = address.at(Path(manifest).parent.name)
        log.warning("%s The cached %s is used.", error, pinned)
        return pinned
    # The client's own note of what a branch is. A cache that is read-only can still be read.
    with suppress(OSError):
        reference = cache_folder(address) / "refs" / address.revision
        write_bytes(reference, pinned.revision.encode())
    return pinned


def _look_up(address: HubAddress) -> HubAddress:
    """One request: the commit, and whether there is a manifest of sensible size."""
    api = hub()
    url = hf_hub_url(address.repo, MANIFEST, revision=address.revision, endpoint=api.endpoint)
    subject = str(address)
    try:
        found = within(lambda: api.get_hf_file_metadata(url=url, timeout=ANSWER_SECONDS), subject)
    except HubError as error:
        if isinstance(error.__cause__, EntryNotFoundError):
            raise HubError(_why_no_zoo(address)) from error
        raise
    pinned = address.at(found.commit_hash or "")
    if not pinned.is_pinned:
        raise HubError(
            f"{subject}: {api.endpoint} does not answer like the Hub; check HF_ENDPOINT and proxy."
        )
    if found.size is not None and found.size > MOST_MANIFEST_BYTES:
        raise HubError(f"{subject}: its {MANIFEST} of {found.size:,} bytes cannot be a zoo's.")
    return pinned


def _why_no_zoo(address: HubAddress) -> str:
    paths = [file.path for file in _tree(address)]
    pickles = [path for path in paths if path.endswith(PICKLES)]
    if pickles:
        return (
            f"{address} is no zoo: it has no {MANIFEST}, and {pickles[0]} is a pickle, which is "
            "never opened; ask for safetensors uploaded with `python -m mia_demo publish`."
        )
    return (
        f"{address} is no zoo: it has no {MANIFEST}; zoos are uploaded with "
        "`python -m mia_demo publish`."
    )


def _tree(address: HubAddress) -> list[RepoFile]:
    def ask() -> list[RepoFile]:
        entries = hub().list_repo_tree(address.repo, revision=address.revision)
        return [entry for entry in entries if isinstance(entry, RepoFile)]

    return within(ask, str(address))


def _cached_zoo(pinned: HubAddress) -> Zoo | None:
    manifest = try_to_load_from_cache(pinned.repo, MANIFEST, revision=pinned.revision)
    if not isinstance(manifest, str) or not _is_as_named(Path(manifest)):
        return None
    root = Path(manifest).parent
    try:
        return Zoo(root, origin=str(pinned))
    except CheckpointError as error:
        reason = str(error).replace(f"{root}/", "")
        raise HubError(f"{pinned} is no zoo that this program can read: {reason}") from error


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


def _check_offer(pinned: HubAddress, files: list[StoredFile]) -> None:
    """Refuses before the first byte what could not be accepted after the last."""
    _look_up(pinned)  # unlike what follows, the client does not repeat this if nobody answers
    offered = {file.path: file for file in _tree(pinned)}
    for stored in files:
        offer = offered.get(stored.file)
        if offer is None:
            raise HubError(
                f"{pinned} lacks {stored.file}, which its manifest lists; choose another revision "
                "or tell its owner."
            )
        hashed = offer.lfs.sha256 if offer.lfs else stored.sha256
        if (offer.size, hashed) != (stored.bytes, stored.sha256):
            raise HubError(
                f"{pinned}: {stored.file} is not the file that its manifest lists; choose another "
                "revision or tell its owner."
            )
    needed = sum(stored.bytes for stored in files)
    cache = Path(constants.HF_HUB_CACHE)
    disk = next(folder for folder in (cache, *cache.parents) if folder.exists())
    if (free := shutil.disk_usage(disk).free) < needed + SPARE_BYTES:
        raise HubError(
            f"{pinned} needs {needed / 1e6:,.0f} MB more in {cache}, where {free / 1e6:,.0f} MB "
            "are free; make room there or set HF_HOME to another disk."
        )


def _fetch_manifest(pinned: HubAddress) -> None:
    if _look_up(pinned) != pinned:
        raise HubError(f"{pinned}: the Hub answers with another commit; try again later.")
    cached = try_to_load_from_cache(pinned.repo, MANIFEST, revision=pinned.revision)
    if isinstance(cached, str):
        _drop(Path(cached))
    within(lambda: _download(pinned, MANIFEST), str(pinned), STALL_SECONDS)


def _fetch_files(pinned: HubAddress, zoo: Zoo, files: list[StoredFile], progress: Progress) -> None:
    total = sum(stored.bytes for stored in zoo.listed_files())
    needed = sum(stored.bytes for stored in files)
    stopped = Event()
    for stored in files:
        if (zoo.root / stored.file).is_file():
            log.warning("%s: %s is damaged and downloaded again.", pinned, stored.file)
            _drop(zoo.root / stored.file)
    blobs = cache_folder(pinned) / "blobs"
    before = _folder_bytes(blobs)

    def fetch() -> None:
        for stored in files:
            for attempt in (1, 2):
                if stopped.is_set():
                    return
                try:
                    _download(pinned, stored.file)
                except Exception as error:
                    if attempt == 2 or not is_broken_connection(error):
                        raise
                    continue
                if _is_intact(zoo.root, stored):
                    break
                _drop(zoo.root / stored.file)
                if attempt == 2:
                    raise HubError(
                        f"{pinned}: {stored.file} arrived damaged twice, its sha256 is not the "
                        "manifest's; try again later or tell its owner."
                    )

    def beat() -> int:
        fetched = max(0, min(needed, _folder_bytes(blobs) - before))
        progress(DownloadProgress(total - needed + fetched, total))
        return fetched

    try:
        while_alive(fetch, str(pinned), beat, STALL_SECONDS)
    finally:
        stopped.set()
    progress(DownloadProgress(total, total))


def _download(pinned: HubAddress, file: str) -> None:
    hub().hf_hub_download(pinned.repo, file, revision=pinned.revision, etag_timeout=ANSWER_SECONDS)


def _drop(path: Path) -> None:
    """Removes a cached file, so that the client fetches it anew."""
    path.resolve().unlink(missing_ok=True)
    path.unlink(missing_ok=True)


def _folder_bytes(folder: Path) -> int:
    total = 0
    for path in folder.glob("*"):
        with suppress(FileNotFoundError):  # the client renames what is complete
            total += path.stat().st_size
    return total


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
