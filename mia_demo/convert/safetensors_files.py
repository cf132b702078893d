"""Foreign safetensors files: plain tensors by name, in any layout."""

import json
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from mia_demo.errors import ConversionError

LENGTH_BYTES = 8  # of the header, little-endian


def is_safetensors(start: bytes, file_bytes: int) -> bool:
    """Whether a file of this size that starts like this claims to be one."""
    length = int.from_bytes(start[:LENGTH_BYTES], "little")
    return start[LENGTH_BYTES : LENGTH_BYTES + 1] == b"{" and length + LENGTH_BYTES <= file_bytes


def read_safetensors(path: Path) -> dict[str, Tensor]:
    """
    Raises:
        ConversionError: damaged, or of numbers that torch does not know.
    """
    try:
        return load_file(path)
    except (SafetensorError, AttributeError, KeyError, ValueError, TypeError) as error:
        if _is_whole(path):
            raise ConversionError(
                f"{path.name} holds kinds of numbers that this version of torch does not read; "
                "save it again as float32."
            ) from error
        raise ConversionError(
            f"{path.name} is a damaged safetensors file; get it again from its publisher."
        ) from error


def _is_whole(path: Path) -> bool:
    """Whether the header is readable and the tensors it lists fill the file."""
    data = path.read_bytes()
    start = LENGTH_BYTES + int.from_bytes(data[:LENGTH_BYTES], "little")
    try:
        header = json.loads(data[LENGTH_BYTES:start])
        header.pop("__metadata__", None)
        ends = [int(entry["data_offsets"][1]) for entry in header.values()]
    except (ValueError, RecursionError, TypeError, KeyError, IndexError, AttributeError):
        return False
    return start + max(ends, default=0) == len(data)
