"""Identity sets: one folder per identity, in a directory or in zip files.

Zips may come from strangers, so nothing is extracted to disk, every name and size is checked before
a byte is decompressed, and every failure names the entry.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor

from mia_demo.data.decoding import READ_ERRORS, UNREADABLE_KINDS, VIDEO, as_rgb, upright
from mia_demo.data.folders import (
    is_system_file,
    path_within,
    people_of,
    points_outside,
    read_promised,
    unreadable_compression,
)
from mia_demo.errors import DataError
from mia_demo.system.json_files import parse_json

# Everything Pillow reads, except the formats that it passes to other programs.
Image.init()
IMAGE_FORMATS = tuple(name for name in Image.OPEN if name not in ("EPS", "WMF"))
IMAGE_SUFFIXES = {
    end for end, name in Image.registered_extensions().items() if name in IMAGE_FORMATS
}
ATTRIBUTES_FILE = "identities.json"
MAX_ENTRIES = 250_000
MAX_IMAGE_BYTES = 20_000_000
MAX_TOTAL_BYTES = 8_000_000_000
MAX_COMPRESSION_RATIO = 200
MAX_IMAGE_PIXELS = 40_000_000


@dataclass(frozen=True)
class ImageEntry:
    """One image: the folder or zip that holds it, and its name in there."""

    container: Path
    name: str

    def __str__(self) -> str:
        return f"{self.container.name}:{self.name}"


@dataclass(frozen=True)
class IdentitySet:
    """Identities in order; class label = position.

    Attributes:
        names: of the identities by label; sorted, except in the layouts of published sets.
        entries: images of each identity by label, in the order of their names.
        attributes: ground truth by name, if the set has it.
    """

    names: tuple[str, ...]
    entries: tuple[tuple[ImageEntry, ...], ...]
    attributes: dict[str, dict[str, Any]] = field(default_factory=dict)
    _kept: dict[Path, zipfile.ZipFile] | None = field(default=None, repr=False, compare=False)

    def __len__(self) -> int:
        return len(self.names)

    def kept_open(self) -> IdentitySet:
        """With zips kept open: a call saves thirty photos' time. Windows cannot delete them."""
        return replace(self, _kept={})

    def image(self, label: int, index: int) -> Image.Image:
        """The image as RGB; decoded on every call."""
        with self._archives() as archives:
            return _decode(self.entries[label][index], archives)

    def tensors(
        self,
        size: int,
        *,
        labels: Sequence[int] | None = None,
        indices: Sequence[int] | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Decodes images into memory, identity by identity.

        Args:
            size: side in pixels; images are cropped to a centred square and resized (antialiased).
            labels: which identities (default: all); returned labels are those of the whole set.
            indices: which images of each identity (default: all); missing ones are skipped.

        Returns:
            images uint8 [N, 3, size, size] and labels int64 [N].
        """
        chosen = range(len(self)) if labels is None else labels
        return self.items(
            size,
            [
                (label, index)
                for label in chosen
                for index in (range(len(self.entries[label])) if indices is None else indices)
                if index < len(self.entries[label])
            ],
        )

    def items(self, size: int, items: Sequence[tuple[int, int]]) -> tuple[Tensor, Tensor]:
        """Like ``tensors``, for a list of (label, index of the image)."""
        if not items:
            raise DataError("The chosen split has no images; choose another split or more images.")
        images = np.empty((len(items), size, size, 3), dtype=np.uint8)
        with self._archives() as archives:
            for position, (label, index) in enumerate(items):
                picture = _decode(self.entries[label][index], archives)
                square = ImageOps.fit(picture, (size, size), Image.Resampling.BICUBIC)
                images[position] = np.asarray(square)
        stacked = torch.from_numpy(images).permute(0, 3, 1, 2).contiguous()
        return stacked, torch.tensor([label for label, _ in items])

    @contextmanager
    def _archives(self) -> Iterator[dict[Path, zipfile.ZipFile]]:
        """Opened zips, to which ``_decode`` adds those that it needs."""
        archives: dict[Path, zipfile.ZipFile] = {} if self._kept is None else self._kept
        try:
            yield archives
        finally:
            for archive in archives.values() if self._kept is None else ():
                archive.close()


def _decode(entry: ImageEntry, archives: dict[Path, zipfile.ZipFile]) -> Image.Image:
    try:
        if entry.container.is_dir():
            data = (entry.container / entry.name).read_bytes()
        else:
            archive = archives.get(entry.container)
            if archive is None:
                archive = archives[entry.container] = zipfile.ZipFile(entry.container)
            data = read_promised(archive, archive.getinfo(entry.name))
        picture = Image.open(io.BytesIO(data), formats=IMAGE_FORMATS)
        if picture.width * picture.height > MAX_IMAGE_PIXELS:
            raise DataError(
                f"Image {entry} has {picture.width} x {picture.height} pixels; "
                f"shrink it below {MAX_IMAGE_PIXELS // 1_000_000} megapixels."
            )
        return as_rgb(upright(picture))
    except READ_ERRORS as error:
        reason = str(error) or type(error).__name__
        raise DataError(
            f"Image {entry} cannot be read ({reason}); replace or remove it."
        ) from error


def open_identity_set(
    paths: Path | Sequence[Path], *, min_identities: int = 2, min_images: int = 2
) -> IdentitySet:
    """Lists the images of a set, without decoding them.

    Args:
        paths: a folder, a zip, or several zips that together hold one set. A folder that holds
            nothing but zips stands for those zips. Images lie in ``IDENTITY/IMAGE``, or deeper in
            albums; folders around all identities do not count.
        min_identities: a set with fewer identities is refused.
        min_images: an identity with fewer images is refused.

    Raises:
        DataError: neither zip nor folder, an unsafe entry, or too few identities or images.
    """
    sources = [paths] if isinstance(paths, Path) else list(paths)
    if len(sources) == 1 and sources[0].is_dir():
        zips = sorted(sources[0].glob("*.zip"))
        if zips and not any(child.is_dir() for child in sources[0].iterdir()):
            sources = zips
    images: list[ImageEntry] = []
    attributes: dict[str, dict[str, Any]] = {}
    for source in sources:
        if source.is_dir():
            names, read = _folder_names(source)
        else:
            names, read = _zip_names(source)
        for name in names:
            path = path_within(name)
            if path.name == ATTRIBUTES_FILE:
                attributes.update(_parse_attributes(source, name, read(name)))
            elif path.suffix.lower() in IMAGE_SUFFIXES:
                if len(path.parts) < 2:
                    raise DataError(
                        f"{source.name}:{name} lies in no identity's folder; "
                        "put each person's images into a folder of their own."
                    )
                images.append(ImageEntry(source, name))
            elif UNREADABLE_KINDS.get(path.suffix.lower(), VIDEO) != VIDEO:
                raise DataError(
                    f"{source.name}:{name} is {UNREADABLE_KINDS[path.suffix.lower()]}, which "
                    "cannot be read here; convert it to JPEG or remove it."
                )
    where = ", ".join(source.name for source in sources)
    found: dict[str, list[ImageEntry]] = {}
    people = people_of([path_within(image.name) for image in images], where)
    for person, image in zip(people, images, strict=True):
        found.setdefault(person, []).append(image)
    if len(found) < min_identities:
        raise DataError(
            f"{where} holds {len(found)} identities; at least {min_identities} are needed, "
            "one folder of images each."
        )
    for identity, entries in found.items():
        if len(entries) < min_images:
            raise DataError(
                f"Identity {identity!r} in {where} has {len(entries)} images; "
                f"at least {min_images} are needed."
            )
    names_sorted = tuple(sorted(found))
    return IdentitySet(
        names=names_sorted,
        entries=tuple(tuple(sorted(found[n], key=lambda e: e.name)) for n in names_sorted),
        attributes=attributes,
    )


def _folder_names(folder: Path) -> tuple[list[str], Any]:
    paths = [PurePosixPath(p.relative_to(folder)) for p in sorted(folder.rglob("*")) if p.is_file()]
    names = [path.as_posix() for path in paths if not is_system_file(path)]
    return names, lambda name: (folder / name).read_bytes()


def _zip_names(path: Path) -> tuple[list[str], Any]:
    try:
        archive = zipfile.ZipFile(path)
    except FileNotFoundError as error:
        raise DataError(f"{path} does not exist; give a folder or a zip of folders.") from error
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise DataError(f"{path.name} is not a readable zip ({error}); pack it again.") from error
    with archive:
        infos = [
            info
            for info in archive.infolist()
            if not info.is_dir() and not is_system_file(path_within(info.filename))
        ]
        _check_zip(path, infos)
    names = [info.filename for info in infos]

    def read(name: str) -> bytes:
        try:
            with zipfile.ZipFile(path) as again:
                return read_promised(again, again.getinfo(name))
        except READ_ERRORS as error:
            raise DataError(
                f"{path.name}:{name} cannot be read ({type(error).__name__}); pack it again."
            ) from error

    return names, read


def _check_zip(path: Path, infos: list[zipfile.ZipInfo]) -> None:
    if len(infos) > MAX_ENTRIES:
        raise DataError(f"{path.name} has {len(infos)} entries; at most {MAX_ENTRIES} are allowed.")
    total = 0
    for info in infos:
        entry = f"{path.name}:{info.filename}"
        if points_outside(info.filename):
            raise DataError(f"{entry} points outside the zip; pack it again with relative names.")
        if compression := unreadable_compression(info):
            raise DataError(
                f"{entry} is packed with {compression}, which cannot be read here; pack the zip "
                "with the usual compression (Deflate)."
            )
        if info.file_size > MAX_IMAGE_BYTES:
            raise DataError(
                f"{entry} unpacks to {info.file_size:,} bytes; "
                f"the limit is {MAX_IMAGE_BYTES:,} per image."
            )
        if info.file_size > MAX_COMPRESSION_RATIO * max(info.compress_size, 1024):
            raise DataError(
                f"{entry} is compressed more than {MAX_COMPRESSION_RATIO} to 1, "
                "like a zip bomb; store images as they are."
            )
        total += info.file_size
    if total > MAX_TOTAL_BYTES:
        raise DataError(
            f"{path.name} unpacks to {total:,} bytes; the limit is {MAX_TOTAL_BYTES:,}. Split it."
        )


def _parse_attributes(source: Path, name: str, data: bytes) -> dict[str, dict[str, Any]]:
    try:
        parsed = parse_json(data)
    except ValueError as error:
        raise DataError(f"{source.name}:{name} is not valid JSON ({error}).") from error
    if not isinstance(parsed, dict):
        raise DataError(f"{source.name}:{name} must map identities to attributes.")
    return parsed
