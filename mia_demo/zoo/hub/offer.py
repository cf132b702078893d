"""What a repository of the Hub offers, asked before anything is downloaded."""

import shutil

from huggingface_hub import hf_hub_url
from huggingface_hub.errors import EntryNotFoundError
from huggingface_hub.hf_api import RepoFile

from mia_demo.errors import HubError
from mia_demo.zoo.hub.access import HubAccess
from mia_demo.zoo.hub.address import HubAddress
from mia_demo.zoo.hub.client import ANSWER_SECONDS, within
from mia_demo.zoo.manifest import MANIFEST, MAX_MANIFEST_BYTES, StoredFile

SPARE_BYTES = 50_000_000  # left free on the disk
PICKLES = (".bin", ".pt", ".pth", ".pkl", ".pickle", ".ckpt", ".joblib")


def look_up(access: HubAccess, address: HubAddress) -> HubAddress:
    """The address with its commit, in one request, which also finds a manifest of sensible size.

    Raises:
        HubError: no such repository or revision, or no zoo.
        HubUnreachableError: no answer in time.
    """
    api = access.api()
    url = hf_hub_url(address.repo, MANIFEST, revision=address.revision, endpoint=api.endpoint)
    subject = str(address)
    try:
        found = within(lambda: api.get_hf_file_metadata(url=url, timeout=ANSWER_SECONDS), subject)
    except HubError as error:
        if isinstance(error.__cause__, EntryNotFoundError):
            raise HubError(_why_no_zoo(access, address)) from error
        raise
    pinned = address.at(found.commit_hash or "")
    if not pinned.is_pinned:
        raise HubError(
            f"{subject}: {api.endpoint} does not answer like the Hub; check HF_ENDPOINT and proxy."
        )
    if found.size is not None and found.size > MAX_MANIFEST_BYTES:
        raise HubError(f"{subject}: its {MANIFEST} of {found.size:,} bytes cannot be a zoo's.")
    return pinned


def check_offer(access: HubAccess, pinned: HubAddress, files: list[StoredFile]) -> None:
    """Refuses before the first byte what could not be accepted after the last.

    Raises:
        HubError: other files than the manifest lists, or no room for them.
        HubUnreachableError: no answer in time.
    """
    # Unlike what follows, the client does not repeat this if nobody answers.
    look_up(access, pinned)
    offered = {file.path: file for file in _tree(access, pinned)}
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
    cache = access.cache
    disk = next(folder for folder in (cache, *cache.parents) if folder.exists())
    if (free := shutil.disk_usage(disk).free) < needed + SPARE_BYTES:
        raise HubError(
            f"{pinned} needs {needed / 1e6:,.0f} MB more in {cache}, where "
            f"{free / 1e6:,.0f} MB are free; make room there or set HF_HOME to another disk."
        )


def _why_no_zoo(access: HubAccess, address: HubAddress) -> str:
    paths = [file.path for file in _tree(access, address)]
    pickles = [path for path in paths if path.endswith(PICKLES)]
    if pickles:
        return (
            f"{address} is not a zoo: it has no {MANIFEST}, and {pickles[0]} is a pickle, which "
            "is never opened; ask for safetensors uploaded with `python -m mia_demo publish`."
        )
    return (
        f"{address} is not a zoo: it has no {MANIFEST}; zoos are uploaded with "
        "`python -m mia_demo publish`."
    )


def _tree(access: HubAccess, address: HubAddress) -> list[RepoFile]:
    def ask() -> list[RepoFile]:
        entries = access.api().list_repo_tree(address.repo, revision=address.revision)
        return [entry for entry in entries if isinstance(entry, RepoFile)]

    return within(ask, str(address))
