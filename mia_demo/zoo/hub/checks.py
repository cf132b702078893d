"""What ``doctor`` asks: the cache on this machine, and whether the Hub answers."""

import time
from dataclasses import dataclass
from pathlib import Path

from huggingface_hub import constants, get_session, scan_cache_dir
from huggingface_hub.errors import CacheNotFound

from mia_demo.errors import HubUnreachableError
from mia_demo.system.files import is_writable
from mia_demo.zoo.hub.client import ANSWER_SECONDS, has_token, within


@dataclass(frozen=True)
class CacheState:
    """The client's cache, of all its repositories."""

    folder: Path
    total_bytes: int
    repositories: int
    is_writable: bool


def cache_state() -> CacheState:
    """Looks at the disk alone."""
    folder = Path(constants.HF_HUB_CACHE)
    try:
        found = scan_cache_dir(folder)
        size, repositories = found.size_on_disk, len(found.repos)
    except (CacheNotFound, ValueError, OSError):  # none, or what cannot be looked into
        size, repositories = 0, 0
    return CacheState(folder, size, repositories, is_writable(folder))


def reach_hub() -> str:
    """One request without a token; says in words who answered, and whether a token is set.

    Raises:
        HubUnreachableError: nobody answered in time, or the Hub is out of order.
    """
    if constants.HF_HUB_OFFLINE:
        raise HubUnreachableError("HF_HUB_OFFLINE forbids asking the Hub.")
    before = time.monotonic()
    answer = within(
        lambda: get_session().head(constants.ENDPOINT, timeout=ANSWER_SECONDS), "the Hub"
    )
    if answer.status_code >= 500:
        raise HubUnreachableError(f"{constants.ENDPOINT} is out of order ({answer.status_code}).")
    token = "a token is set" if has_token() else "no token is set (public zoos need none)"
    milliseconds = (time.monotonic() - before) * 1000
    return f"{constants.ENDPOINT} answers in {milliseconds:.0f} ms; {token}"
