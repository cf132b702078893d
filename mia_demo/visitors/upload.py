"""A visitor's zip of photos, as hostile as a stranger can make it, turned into clean pictures.

Nothing of the zip is kept as it came. Names are only ever shown, never used as paths; every photo
is decoded here, once, turned upright, cropped to its centred square, shrunk and stored anew: what
the rest of the program reads was written by this program. That also drops what cameras write into
photos, such as the place.
"""

import io
import stat
import unicodedata
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageOps

from mia_demo.data.decoding import (
    READ_ERRORS,
    UNREADABLE_KINDS,
    as_rgb,
    kind_of_content,
    upright,
)
from mia_demo.data.folders import (
    is_system_file,
    path_within,
    people_of,
    points_outside,
    read_promised,
    unreadable_compression,
)
from mia_demo.data.identities import ATTRIBUTES_FILE, MAX_COMPRESSION_RATIO
from mia_demo.errors import DataError
from mia_demo.system.files import replacing

MEGA = 1_000_000
MAX_ZIP_MB = 50
MAX_ZIP_BYTES = MAX_ZIP_MB * 2**20  # as the browser counts
MAX_FILES = 6000
MAX_UNPACKED_BYTES = 500 * MEGA
MAX_PHOTO_BYTES = 20 * MEGA
MAX_PHOTO_PIXELS = 25 * MEGA
MIN_SIDE = 32  # pixels: smaller ones show no face
MIN_UPLOAD_PEOPLE, MAX_UPLOAD_PEOPLE = 2, 100
MIN_PHOTOS = 4  # of each person, one of them for the test
FEW_PHOTOS = 10  # fewer than this deserve a warning
TEST_SHARE = 0.2  # of each person's photos
STORED_SIDE = 128  # what the page shows; classifiers see 64
STORED_QUALITY = 95
MAX_NAME_LENGTH = 40

UPLOAD_FORMATS = ("JPEG", "PNG", "WEBP")
SUFFIXES = {".jpg", ".jpeg", ".png", ".webp"}
ARCHIVES = {".zip", ".7z", ".rar", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".zst", ".jar"}

LIMITS = (
    f"At most {MAX_ZIP_MB} MB and {MAX_FILES:,} photos (JPEG, PNG or WebP, up to "
    f"{MAX_PHOTO_PIXELS // MEGA} megapixels each); {MIN_UPLOAD_PEOPLE} to {MAX_UPLOAD_PEOPLE} "
    f"people with at least {MIN_PHOTOS} photos each."
)


@dataclass(frozen=True)
class UploadSummary:
    """What was found, once everything is stored.

    Attributes:
        names: of the people, to be shown only; ``names[label]``.
        photos: how many each person has.
        train_images: of the person with most photos, how many are trained on.
        smallest: shortest side among all photos, in pixels.
        cropped: photos that were not square.
    """

    names: tuple[str, ...]
    photos: tuple[int, ...]
    train_images: int
    smallest: int
    cropped: int


def store_upload(source: Path, target: Path) -> Iterator[float | UploadSummary]:
    """Reads a zip of one folder a person and stores clean pictures under generated names.

    Args:
        source: the uploaded zip.
        target: the zip to write, which ``open_identity_set`` reads.

    Yields:
        Progress in 0..1 while reading, and the summary last.

    Raises:
        DataError: anything is wrong with the zip; nothing is written then.
    """
    if source.stat().st_size > MAX_ZIP_BYTES:
        raise DataError(
            f"The zip has {source.stat().st_size / 2**20:.0f} MB; the limit is "
            f"{MAX_ZIP_MB} MB. Shrink the photos, 256 pixels are plenty."
        )
    try:
        archive = zipfile.ZipFile(source)
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise DataError(
            "The file is not a readable zip; pack the folders again as .zip."
        ) from error
    with archive:
        people = _people(archive)
        total = sum(len(infos) for _, infos in people)
        read, smallest, cropped = 0, MAX_PHOTO_PIXELS, 0
        with (
            replacing(target) as temporary,
            zipfile.ZipFile(temporary, "w", zipfile.ZIP_STORED) as clean,
        ):
            for label, (_, infos) in enumerate(people):
                for position, info in enumerate(infos):
                    photo = _photo(archive, info)
                    smallest = min(smallest, *photo.size)
                    cropped += photo.width != photo.height
                    clean.writestr(f"{label:04d}/{position:04d}.jpg", _stored(photo))
                    read += 1
                    yield read / total
    photos = tuple(len(infos) for _, infos in people)
    most = max(photos)
    yield UploadSummary(
        names=tuple(name for name, _ in people),
        photos=photos,
        train_images=most - max(1, round(TEST_SHARE * most)),
        smallest=smallest,
        cropped=cropped,
    )


def shown_name(name: str) -> str:
    """A name from the zip, fit to be shown: one line, no control characters, not endless."""
    clean = "".join(
        letter for letter in name if unicodedata.category(letter)[0] != "C" and letter != "\ufffd"
    ).strip()
    return clean if len(clean) <= MAX_NAME_LENGTH else clean[: MAX_NAME_LENGTH - 1] + "…"


def _people(archive: zipfile.ZipFile) -> list[tuple[str, list[zipfile.ZipInfo]]]:
    """Shown name and photos of every person, sorted by folder name.

    Raises:
        DataError: an entry is unsafe or no photo, or there are too few or too many.
    """
    infos = [info for info in archive.infolist() if not info.is_dir() and not _is_ignored(info)]
    if len(infos) > MAX_FILES:
        raise DataError(
            f"The zip holds {len(infos):,} files; the limit is {MAX_FILES:,}. Take fewer photos."
        )
    total = sum(info.file_size for info in infos)
    if total > MAX_UNPACKED_BYTES:
        raise DataError(
            f"The zip unpacks to {total / MEGA:,.0f} MB; the limit is "
            f"{MAX_UNPACKED_BYTES // MEGA} MB. Shrink the photos, 256 pixels are plenty."
        )
    seen: set[str] = set()
    for info in infos:
        _check_entry(info)
        same = unicodedata.normalize("NFC", info.filename).casefold()
        if same in seen:
            raise DataError(
                f"{_named(info)} is in the zip twice (capital letters make no difference); "
                "rename or remove one."
            )
        seen.add(same)
        if len(path_within(info.filename).parts) < 2:
            raise DataError(
                f"{_named(info)} lies in no folder; put each person's photos into a folder of "
                "their own."
            )
    folders: dict[str, list[zipfile.ZipInfo]] = {}
    people = people_of([path_within(info.filename) for info in infos], "The zip")
    for person, info in zip(people, infos, strict=True):
        folders.setdefault(person, []).append(info)
    _check_people(folders)
    ordered = sorted(folders.items(), key=lambda item: item[0].casefold())
    return [
        (
            shown_name(folder) or f"person {label}",
            sorted(photos, key=lambda info: info.filename),
        )
        for label, (folder, photos) in enumerate(ordered)
    ]


def _is_ignored(info: zipfile.ZipInfo) -> bool:
    path = path_within(info.filename)
    return is_system_file(path) or path.name == ATTRIBUTES_FILE  # of this project's own sets


def _check_entry(info: zipfile.ZipInfo) -> None:
    if points_outside(info.filename):
        raise DataError(f"{_named(info)} points outside the zip; pack it with relative names.")
    if stat.S_ISLNK(info.external_attr >> 16):
        raise DataError(f"{_named(info)} is a link; pack the photo itself.")
    if info.flag_bits & 0x1:
        raise DataError(f"{_named(info)} is encrypted; pack the zip without a password.")
    if compression := unreadable_compression(info):
        raise DataError(
            f"{_named(info)} is packed with {compression}, which cannot be read here; pack the zip "
            "with the usual compression (Deflate)."
        )
    suffix = path_within(info.filename).suffix.lower()
    if suffix in ARCHIVES:
        raise DataError(
            f"{_named(info)} is an archive within the zip; unpack it and pack the folders."
        )
    if suffix not in SUFFIXES:
        raise _wrong_kind(info, UNREADABLE_KINDS.get(suffix, ""))
    if info.file_size > MAX_PHOTO_BYTES:
        raise DataError(
            f"{_named(info)} unpacks to {info.file_size / MEGA:.0f} MB; the limit of a photo is "
            f"{MAX_PHOTO_BYTES // MEGA} MB. Shrink it."
        )
    if info.file_size > MAX_COMPRESSION_RATIO * max(info.compress_size, 1024):
        raise DataError(
            f"{_named(info)} is compressed more than {MAX_COMPRESSION_RATIO} to 1, like a zip "
            "bomb; pack the photos as they are."
        )


def _wrong_kind(info: zipfile.ZipInfo, kind: str) -> DataError:
    called = f"{_named(info)} is {kind}" if kind else f"{_named(info)} is not a photo"
    return DataError(f"{called}; JPEG, PNG and WebP can be read here: convert or remove it.")


def _check_people(folders: dict[str, list[zipfile.ZipInfo]]) -> None:
    if not MIN_UPLOAD_PEOPLE <= len(folders) <= MAX_UPLOAD_PEOPLE:
        raise DataError(
            f"The zip holds {len(folders)} folders of photos; {MIN_UPLOAD_PEOPLE} to "
            f"{MAX_UPLOAD_PEOPLE} are needed, one for each person."
        )
    names: dict[str, str] = {}
    for folder, photos in folders.items():
        name = shown_name(folder)
        if names.setdefault(folder.casefold(), folder) != folder:
            raise DataError(
                f"Two folders are called {name!r}; put all photos of a person into one folder."
            )
        if len(photos) < MIN_PHOTOS:
            raise DataError(
                f"{name!r} has {len(photos)} {'photo' if len(photos) == 1 else 'photos'}; at "
                f"least {MIN_PHOTOS} are needed, one of them for the test. Add some."
            )


def _photo(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Image.Image:
    """A photo as RGB, upright.

    Raises:
        DataError: broken, too large or too small.
    """
    try:
        data = read_promised(archive, info)
        if kind := kind_of_content(data[:16]):
            raise _wrong_kind(info, kind)
        picture = Image.open(io.BytesIO(data), formats=UPLOAD_FORMATS)
        if picture.width * picture.height > MAX_PHOTO_PIXELS:
            raise DataError(
                f"{_named(info)} has {picture.width} x {picture.height} pixels; the limit is "
                f"{MAX_PHOTO_PIXELS // MEGA} megapixels. Shrink it."
            )
        if min(picture.size) < MIN_SIDE:
            raise DataError(
                f"{_named(info)} has {picture.width} x {picture.height} pixels; at least "
                f"{MIN_SIDE} x {MIN_SIDE} are needed. Take a larger one."
            )
        return as_rgb(upright(picture))
    except Image.DecompressionBombError as error:
        raise DataError(
            f"{_named(info)} claims to have more than {MAX_PHOTO_PIXELS // MEGA} megapixels; "
            "remove it."
        ) from error
    except READ_ERRORS as error:
        raise DataError(
            f"{_named(info)} cannot be read as a photo, it may be cut off; replace or remove it."
        ) from error


def _stored(photo: Image.Image) -> bytes:
    square = ImageOps.fit(photo, (STORED_SIDE, STORED_SIDE), Image.Resampling.BICUBIC)
    buffer = io.BytesIO()
    square.save(buffer, "JPEG", quality=STORED_QUALITY)
    return buffer.getvalue()


def _named(info: zipfile.ZipInfo) -> str:
    """Folder and file: many folders have a ``1.jpg``."""
    parts = map(shown_name, path_within(info.filename).parts[-2:])
    return repr("/".join(part for part in parts if part) or "An entry")
