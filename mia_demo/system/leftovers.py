"""What a killed process left half-written: found at the next start and deleted.

Another process may be writing in the same folder right now, so only what has not changed for a
while is a leftover; what is too fresh to tell is looked at once more.
"""

import shutil
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

LEFTOVER_SECONDS = 60.0
TEMPORARY_FILES = ".*.tmp"  # of ``mia_demo.system.files.replacing``


def is_idle(path: Path) -> bool:
    """Whether a file, or everything in a folder, has not changed for a while."""
    newest = 0.0
    for part in (path, *(path.rglob("*") if path.is_dir() else ())):
        with suppress(OSError):  # deleted meanwhile
            newest = max(newest, part.stat().st_mtime)
    return time.time() - newest >= LEFTOVER_SECONDS


def sweep_leftovers(find: Callable[[], Iterable[Path]]) -> None:
    """Deletes leftovers, now and once more when those that are too fresh now have become idle.

    Args:
        find: lists files and folders that are leftovers if nobody is writing them.
    """
    _delete_idle(find)
    timer = threading.Timer(LEFTOVER_SECONDS, _delete_idle, [find])
    timer.daemon = True
    timer.start()


def sweep_temporary_files(folder: Path) -> None:
    """Deletes what interrupted writing left in a folder, at any depth."""
    sweep_leftovers(lambda: folder.rglob(TEMPORARY_FILES))


def _delete_idle(find: Callable[[], Iterable[Path]]) -> None:
    found: list[Path] = []
    with suppress(OSError):  # a folder is gone while it is being searched
        found.extend(find())
    for path in found:
        if is_idle(path):
            with suppress(OSError):
                shutil.rmtree(path) if path.is_dir() else path.unlink()
