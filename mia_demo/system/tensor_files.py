"""Writing safetensors files: whole or not at all, and a full disk is an ``OSError``."""

import errno
import os
import re
from collections.abc import Mapping
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import save_file
from torch import Tensor

from mia_demo.system.files import replacing


def write_tensors(
    path: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str] | None = None
) -> None:
    """
    Args:
        tensors: contiguous, on the CPU.

    Raises:
        OSError: the file cannot be written, as when the disk is full.
    """
    with replacing(path) as temporary:
        try:
            save_file(dict(tensors), temporary, dict(metadata) if metadata else None)
        except SafetensorError as error:
            found = re.search(r"os error (\d+)", str(error))
            number = int(found[1]) if found else errno.EIO
            raise OSError(number, os.strerror(number), str(path)) from error
