"""Files that ``torch.save`` wrote: checked first, then read by torch with ``weights_only=True``.

The check goes through the whole pickle with the restricted reader, so that a name that has no
business there is refused before torch sees the file, and compares every claimed size with the
bytes that are there.
"""

from __future__ import annotations

import io
import struct
import zipfile
from pathlib import Path
from typing import IO, Any

import torch

from mia_demo.convert.claims import TENSOR_NAMES, StorageClaim, storage_claim
from mia_demo.convert.restricted_pickle import RestrictedReader
from mia_demo.errors import ConversionError

# A pickle of nothing but torch's magic number opens every file of its older format.
LEGACY_START = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."
ZIP_START = b"PK\x03\x04"
LEGACY_LENGTH_BYTES = 8  # before the bytes of each storage
# What zipfile raises on damaged files.
ZIP_ERRORS = (
    *(zipfile.BadZipFile, ValueError, RuntimeError, OSError),
    *(EOFError, OverflowError, struct.error),
)
MAX_PICKLE_BYTES = 64 << 20  # of a zip; the numbers are not in it


def is_torch_file(start: bytes) -> bool:
    """Whether a file that starts like this was written by ``torch.save``."""
    return start.startswith((LEGACY_START, ZIP_START))


def read_torch_file(path: Path) -> Any:
    """What ``torch.save`` was given: tensors in dicts and lists.

    Raises:
        ConversionError: anything but plain data is in there, or sizes do not fit.
    """
    with path.open("rb") as stream:
        start = stream.read(len(LEGACY_START))
        stream.seek(0)
        if start.startswith(ZIP_START):
            _check_zip(stream, path.name)
        else:
            check_legacy(stream.read(), path.name)
        stream.seek(0)
        return _load(stream, path.name)


def read_storage(data: bytes, claim: StorageClaim) -> torch.Tensor:
    """The numbers of a checked file of the older format that holds this storage alone, a vector."""
    numbers = bytearray(data[len(data) - claim.bytes :])
    if not numbers:
        return torch.empty(0, dtype=claim.dtype)
    return torch.frombuffer(numbers, dtype=claim.dtype)


def check_legacy(data: bytes, source: str) -> Any:
    """Checks a file of torch's older format: five pickles, then each storage's bytes.

    Returns:
        the data, with claims for tensors and storages.
    """
    stream = io.BytesIO(data)
    claims: dict[str, StorageClaim] = {}
    reader = RestrictedReader(stream, TENSOR_NAMES, source, lambda id_: _noted(claims, id_))
    if not data.startswith(LEGACY_START):
        raise ConversionError(f"{source} is no file of torch; get it again from its publisher.")
    for _ in ("magic number", "protocol"):
        reader.load()
    system = reader.load()
    if not isinstance(system, dict) or system.get("little_endian") is not True:
        raise ConversionError(f"{source} was written by a big-endian machine; convert it there.")
    content = reader.load()
    keys = reader.load()
    there = len(data) - stream.tell()
    wanted = sum(LEGACY_LENGTH_BYTES + claim.bytes for claim in claims.values())
    if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys):
        raise _wrong_sizes(source)
    if sorted(keys) != sorted(claims) or wanted != there:
        raise _wrong_sizes(source)
    return content


def _check_zip(stream: IO[bytes], source: str) -> None:
    """Checks a file of torch's present format: a zip of one pickle and a file for each storage."""
    files, folder, pickled = _open_zip(stream, source)
    claims: dict[str, StorageClaim] = {}
    RestrictedReader(
        io.BytesIO(pickled), TENSOR_NAMES, source, lambda id_: _noted(claims, id_)
    ).load()
    for claim in claims.values():
        entry = files.get(f"{folder}data/{claim.key}")
        if entry is None or entry.file_size != claim.bytes:
            raise _wrong_sizes(source)


def _open_zip(stream: IO[bytes], source: str) -> tuple[dict[str, zipfile.ZipInfo], str, bytes]:
    """The zip's files, the folder in which they lie, and the pickle."""
    try:
        with zipfile.ZipFile(stream) as archive:
            files = {entry.filename: entry for entry in archive.infolist()}
            pickles = [name for name in files if name.endswith("/data.pkl")]
            if (
                len(pickles) != 1
                or len(files) != len(archive.infolist())
                or any(entry.compress_type != zipfile.ZIP_STORED for entry in files.values())
                or files[pickles[0]].file_size > MAX_PICKLE_BYTES
            ):
                raise ConversionError(
                    f"{source} is a zip, but not one that torch.save writes of a state_dict: "
                    "refused."
                )
            return files, pickles[0].removesuffix("data.pkl"), archive.read(pickles[0])
    except ZIP_ERRORS as error:
        raise ConversionError(
            f"{source} is a damaged zip ({type(error).__name__}); get it again from its publisher."
        ) from error


def _noted(claims: dict[str, StorageClaim], identity: Any) -> StorageClaim:
    """The claim of a persistent id; one key stands for one storage."""
    claim = storage_claim(identity)
    if claims.setdefault(claim.key, claim) != claim:
        raise ValueError("one key for two storages")
    return claim


def _load(stream: IO[bytes], source: str) -> Any:
    try:
        return torch.load(stream, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises all kinds; the file passed the checks above
        raise ConversionError(
            f"{source} cannot be read by torch ({type(error).__name__}); save it again with "
            "torch.save of a state_dict."
        ) from error


def _wrong_sizes(source: str) -> ConversionError:
    return ConversionError(
        f"{source} claims other sizes than it holds: refused; get it again from its publisher."
    )
