"""Atomic writes (a file is there whole or not at all) and hashes."""

import errno
import hashlib
import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mia_demo.errors import ConfigError

# EFBIG is a limit on the size of files, as of a quota.
_NO_ROOM = (errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC))


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yields a temporary path in the same folder; on success it is renamed to ``path``."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        temporary.chmod(0o644)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def cache_folder() -> Path:
    """Where this user's machine keeps what can be computed again."""
    folder = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(folder) / "mia_demo"


@contextmanager
def writing_to(folder: Path) -> Iterator[None]:
    """
    Raises:
        ConfigError: instead of an ``OSError``, as when the disk is full.
    """
    try:
        yield
    except OSError as error:
        raise ConfigError(
            f"Cannot write to {folder} ({error.strerror or error}); {write_remedy(error)}."
        ) from error


def write_remedy(error: OSError) -> str:
    """What helps against ``error``: room, where there is none, else another folder."""
    if error.errno in _NO_ROOM:
        return "free some space there, or use a folder on another disk"
    return "make it writable, or use a folder that is"


def nearest_existing(path: Path) -> Path:
    """``path``, or what is there of the folders above it."""
    # Not Path.exists, which raises where a folder above may not be looked into.
    return next(place for place in (path, *path.parents) if os.path.exists(place))  # noqa: PTH110


def is_writable(folder: Path) -> bool:
    """Whether files can be made in ``folder``, or where it would be made itself.

    By trying: what the permissions say is not true for root, nor on every file system.
    """
    try:
        with tempfile.TemporaryFile(dir=nearest_existing(folder)):
            return True
    except OSError:
        return False


def write_bytes(path: Path, data: bytes) -> None:
    with replacing(path) as temporary:
        temporary.write_bytes(data)


def write_json(path: Path, value: Any, *, indent: int | None = 2) -> None:
    """
    Args:
        indent: none halves a file of numbers.
    """
    text = json.dumps(value, indent=indent, ensure_ascii=False, allow_nan=False)
    # A path that is no Unicode has surrogates; JSON has escapes for them, UTF-8 has none.
    write_bytes(path, (text + "\n").encode(errors="backslashreplace"))


def sha256_of(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
