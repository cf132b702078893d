"""The client's cache on this disk: where a repository's files lie, and whether they are whole."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from mia_demo.system.files import sha256_of
from mia_demo.zoo.manifest import StoredFile


def is_as_named(path: Path) -> bool:
    """Whether a cached file hashes to the name that git or LFS gave its blob.

    Where the cache cannot link, there is no such name to compare with.
    """
    name, data = path.resolve().name, path.read_bytes()
    if re.fullmatch(r"[0-9a-f]{40}", name):
        return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest() == name  # noqa: S324 git
    return not re.fullmatch(r"[0-9a-f]{64}", name) or hashlib.sha256(data).hexdigest() == name


def is_intact(root: Path, stored: StoredFile) -> bool:
    path = root / stored.file
    return (
        path.is_file() and path.stat().st_size == stored.bytes and sha256_of(path) == stored.sha256
    )


def drop(path: Path) -> None:
    """Removes a cached file, so that the client fetches it anew."""
    path.resolve().unlink(missing_ok=True)
    path.unlink(missing_ok=True)
