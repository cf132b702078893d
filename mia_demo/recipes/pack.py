"""Packs a zip of identities for a zoo, where no file may exceed 10 MB."""

import zipfile
from pathlib import Path

from mia_demo.data.identities import ATTRIBUTES_FILE, open_identity_set
from mia_demo.errors import DataError
from mia_demo.system.files import replacing
from mia_demo.zoo.folder import FolderZoo

ZIP_PART_BYTES = 9_500_000
HEADER_BYTES = 200  # of an entry in a zip, at most
TRAIN_IMAGES = 48


def pack_identities(source: Path, zoo: FolderZoo) -> None:
    """Copies a zip of identities into stored (not recompressed) parts of the zoo.

    Raises:
        DataError: no such zip, or an identity with too few images.
    """
    if not source.is_file():
        raise DataError(f"{source} does not exist; --data needs target.zip and public_*.zip.")
    identities = open_identity_set(source, min_images=TRAIN_IMAGES + 1)
    with zipfile.ZipFile(source) as archive:
        first = [ATTRIBUTES_FILE] if identities.attributes else []
        parts = [first]
        used = sum(archive.getinfo(name).file_size for name in first)
        for entries in identities.entries:
            needed = sum(archive.getinfo(e.name).file_size + HEADER_BYTES for e in entries)
            if used + needed > ZIP_PART_BYTES:
                parts.append([])
                used = 0
            parts[-1].extend(entry.name for entry in entries)
            used += needed
        files = [f"identities_{number}.zip" for number in range(len(parts))]
        for file, names in zip(files, parts, strict=True):
            _copy(archive, names, zoo.root / file)
    zoo.set_identities(files, TRAIN_IMAGES)


def _copy(archive: zipfile.ZipFile, names: list[str], part: Path) -> None:
    with replacing(part) as temporary, zipfile.ZipFile(temporary, "w", zipfile.ZIP_STORED) as copy:
        for name in names:
            # A fixed date makes the parts, and so their hashes, reproducible.
            info = zipfile.ZipInfo(name, date_time=(2026, 1, 1, 0, 0, 0))
            copy.writestr(info, archive.read(name))
