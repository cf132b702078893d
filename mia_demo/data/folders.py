"""Photos in folders: which folder is a person, and what does not count as a photo.

The rules are those of data sets on this machine and of visitors' zips alike.
"""

import zipfile
from collections.abc import Sequence
from pathlib import PurePosixPath

from mia_demo.errors import DataError

SYSTEM_FOLDERS = {"__macosx", "@eadir", "$recycle.bin", "system volume information"}
SYSTEM_FILES = {"thumbs.db", "ehthumbs.db", "desktop.ini"}
# Not bzip2 and LZMA, which zipfile unpacks whole, however long, before it looks at the size.
READABLE_COMPRESSIONS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
COMPRESSIONS = {
    9: "Deflate64",
    12: "bzip2",
    14: "LZMA",
    93: "Zstandard",
    95: "XZ",
    98: "PPMd",
    99: "encryption (AES)",
}


def path_within(name: str) -> PurePosixPath:
    """The path that a name in a zip means; some Windows programs write backslashes."""
    return PurePosixPath(name.replace("\\", "/"))


def is_system_file(path: PurePosixPath) -> bool:
    """Whether an operating system left this beside the photos, or it names no file at all."""
    return (
        not path.parts
        or any(part.startswith(".") and part != ".." for part in path.parts)
        or any(part.lower() in SYSTEM_FOLDERS for part in path.parts)
        or path.name.lower() in SYSTEM_FILES
    )


def points_outside(name: str) -> bool:
    """Whether a name in a zip would leave the folder that it is unpacked in."""
    parts = path_within(name).parts
    return ".." in parts or name.startswith(("/", "\\")) or ":" in (parts or ("",))[0]


def unreadable_compression(info: zipfile.ZipInfo) -> str:
    """The name of a compression that cannot be read here; empty for the others."""
    if info.compress_type in READABLE_COMPRESSIONS:
        return ""
    return COMPRESSIONS.get(info.compress_type, f"method {info.compress_type}")


def read_promised(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    """The content of an entry, and never more than was promised: sizes in a zip may lie.

    Raises:
        zipfile.BadZipFile: it is longer than it says.
    """
    with archive.open(info) as stream:
        data = stream.read(info.file_size)
        if stream.read(1):
            raise zipfile.BadZipFile("longer than it says")
    return data


def people_of(paths: Sequence[PurePosixPath], where: str) -> list[str]:
    """The person of each photo: the folder in which photos lie, and perhaps albums beside them.

    Folders around all people do not count.

    Args:
        paths: of photos, each in a folder.
        where: they lie, for messages.

    Raises:
        DataError: a folder holds nothing but several folders, which may be albums or people.
    """
    folders = [path.parts[:-1] for path in paths]
    around = _shared_parts(folders)
    inner = [folder[around:] for folder in folders]
    within: dict[str, set[tuple[str, ...]]] = {}
    for folder in inner:
        within.setdefault(folder[0], set()).add(folder)
    for person, albums in within.items():
        if len(albums) > 1 and (person,) not in albums:
            first, second, *_ = ("/".join(album) for album in sorted(albums))
            raise DataError(
                f"{where} has folders within folders, such as {ascii(first)[:80]} and "
                f"{ascii(second)[:80]}, so it is unclear which of them are people. Put all photos "
                "of a person into one folder, without others in or around it."
            )
    return [folder[0] for folder in inner]


def _shared_parts(folders: Sequence[tuple[str, ...]]) -> int:
    """How many folders lie around all of these, which are at least one deep."""
    if not folders:
        return 0
    first, last, deepest = min(folders), max(folders), min(map(len, folders)) - 1
    return next((n for n in range(deepest) if first[n] != last[n]), deepest)
