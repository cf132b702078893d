"""Files that ``torch.save`` wrote, read without torch's own reader.

The restricted reader goes through the pickle: a name that has no business there is refused, and
what it says of tensors is compared with the bytes that are there. Numbers are read only of the
tensors that are asked for.
"""

import io
import struct
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import torch
from torch import Tensor

from mia_demo.convert.claims import TENSOR_NAMES, StorageClaim, TensorClaim, storage_claim
from mia_demo.convert.plain_values import PLAIN_NAMES
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
NAMES = {**PLAIN_NAMES, **TENSOR_NAMES}


@dataclass
class TorchFile:
    """What ``torch.save`` was given.

    Attributes:
        content: plain data, with claims for tensors.
        read: the bytes of a storage.
    """

    content: Any
    read: Callable[[StorageClaim], bytes]
    _storages: dict[str, Tensor] = field(default_factory=dict)

    def tensor(self, claim: TensorClaim) -> Tensor:
        """The numbers of a claim; tensors that share a storage share memory."""
        storage = claim.storage
        if storage.key not in self._storages:
            data, dtype = bytearray(self.read(storage)), storage.dtype
            numbers = torch.frombuffer(data, dtype=dtype) if data else torch.empty(0, dtype=dtype)
            self._storages[storage.key] = numbers
        return torch.as_strided(
            self._storages[storage.key], claim.shape, claim.stride, claim.offset
        )


def is_torch_file(start: bytes) -> bool:
    """Whether a file that starts like this was written by ``torch.save``."""
    return start.startswith((LEGACY_START, ZIP_START))


def read_torch_file(path: Path) -> TorchFile:
    """
    Raises:
        ConversionError: anything but plain data is in there, or sizes do not fit.
    """
    with path.open("rb") as stream:
        if stream.read(len(ZIP_START)) == ZIP_START:
            return _read_zip(path, stream)
        stream.seek(0)
        return read_legacy(stream.read(), path.name)


def read_legacy(data: bytes, source: str) -> TorchFile:
    """A file of torch's older format: five pickles, then each storage's bytes."""
    stream = io.BytesIO(data)
    claims: dict[str, StorageClaim] = {}
    reader = RestrictedReader(stream, NAMES, source, lambda id_: _noted(claims, id_))
    if not data.startswith(LEGACY_START):
        raise ConversionError(f"{source} is not a PyTorch file; get it again from its publisher.")
    for _ in ("magic number", "protocol"):
        reader.load()
    system = reader.load()
    if not isinstance(system, dict) or system.get("little_endian") is not True:
        raise _big_endian(source)
    content = reader.load()
    keys = reader.load()
    places, place = {}, stream.tell()
    if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys):
        raise _wrong_sizes(source)
    if sorted(keys) != sorted(claims):
        raise _wrong_sizes(source)
    for key in keys:
        places[key] = place + LEGACY_LENGTH_BYTES
        place += LEGACY_LENGTH_BYTES + claims[key].bytes
    if place != len(data):
        raise _wrong_sizes(source)

    def read(claim: StorageClaim) -> bytes:
        start = places[claim.key]
        return data[start : start + claim.bytes]

    return TorchFile(content, read)


def _read_zip(path: Path, stream: IO[bytes]) -> TorchFile:
    """A file of torch's present format: a zip of one pickle and a file for each storage."""
    files, folder, pickled = _open_zip(stream, path.name)
    claims: dict[str, StorageClaim] = {}
    content = RestrictedReader(
        io.BytesIO(pickled), NAMES, path.name, lambda id_: _noted(claims, id_)
    ).load()
    for claim in claims.values():
        entry = files.get(f"{folder}data/{claim.key}")
        if entry is None or entry.file_size != claim.bytes:
            raise _wrong_sizes(path.name)

    def read(claim: StorageClaim) -> bytes:
        try:
            with zipfile.ZipFile(path) as archive:
                return archive.read(f"{folder}data/{claim.key}")
        except ZIP_ERRORS as error:
            raise _damaged(path.name, error) from error

    return TorchFile(content, read)


def _open_zip(stream: IO[bytes], source: str) -> tuple[Mapping[str, zipfile.ZipInfo], str, bytes]:
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
            folder = pickles[0].removesuffix("data.pkl")
            # Nothing is compressed, so entries that need more than there is share their bytes.
            if sum(entry.file_size for entry in files.values()) > stream.seek(0, io.SEEK_END):
                raise _wrong_sizes(source)
            order = f"{folder}byteorder"
            if order in files and archive.read(order) != b"little":
                raise _big_endian(source)
            return files, folder, archive.read(pickles[0])
    except ZIP_ERRORS as error:
        raise _damaged(source, error) from error


def _noted(claims: dict[str, StorageClaim], identity: Any) -> StorageClaim:
    """The claim of a persistent id; one key stands for one storage."""
    claim = storage_claim(identity)
    if claims.setdefault(claim.key, claim) != claim:
        raise ValueError("one key for two storages")
    return claim


def _damaged(source: str, error: Exception) -> ConversionError:
    return ConversionError(
        f"{source} is a damaged zip ({type(error).__name__}); get it again from its publisher."
    )


def _big_endian(source: str) -> ConversionError:
    return ConversionError(f"{source} was written by a big-endian machine; convert it there.")


def _wrong_sizes(source: str) -> ConversionError:
    return ConversionError(
        f"{source} claims other sizes than it holds: refused; get it again from its publisher."
    )
