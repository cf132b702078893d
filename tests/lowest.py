"""Prints the lowest versions that requirements.txt allows, one ``NAME==VERSION`` per line.

The check of the lower bounds installs them: ``python -m tests.lowest > constraints.txt``.
"""

from __future__ import annotations

from pathlib import Path

from packaging.requirements import Requirement
from packaging.version import Version

REQUIREMENTS = Path(__file__).parents[1] / "requirements.txt"


def lowest(line: str) -> str:
    """``torch>=2.8,<3`` -> ``torch==2.8``.

    Raises:
        ValueError: there is no lower bound, or the line forbids the version that it names.
    """
    needed = Requirement(line)
    bounds = [part.version for part in needed.specifier if part.operator in (">=", "==", "~=")]
    if not bounds:
        raise ValueError(f"{line!r} has no lower bound; give one with >=.")
    version = max(bounds, key=Version)
    if not needed.specifier.contains(version, prereleases=True):
        raise ValueError(f"{line!r} forbids {version}, its own lower bound; raise the bound.")
    return f"{needed.name}=={version}"


def requirements(text: str) -> list[str]:
    """The lines that name a package."""
    lines = (line.partition("#")[0].strip() for line in text.splitlines())
    return [line for line in lines if line and not line.startswith("-")]


def main() -> None:
    for line in requirements(REQUIREMENTS.read_text("utf-8")):
        print(lowest(line))  # noqa: T201  the next command reads it


if __name__ == "__main__":
    main()
