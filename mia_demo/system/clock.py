"""Moments as they are kept: UTC, ISO 8601, to the millisecond, in the order of time."""

from datetime import datetime, timezone
from pathlib import Path


def time_now() -> str:
    return _kept(datetime.now(timezone.utc))


def readable(moment: str) -> str:
    """A kept moment for people, to the second."""
    return moment[:19].replace("T", " ")


def time_written(path: Path) -> str:
    """When a file was last written; empty if there is none."""
    try:
        seconds = path.stat().st_mtime
    except OSError:
        return ""
    return _kept(datetime.fromtimestamp(seconds, timezone.utc))


def _kept(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds")
