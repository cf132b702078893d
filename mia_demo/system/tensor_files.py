"""Writing safetensors files: whole or not at all, and a full disk is an ``OSError``.

Networks are kept in float16, which ends at 65,504. Under negative smoothing a network's statistics
may exceed that (a ResNet-18 at α = −0.05: variances of 584,000), and as infinity they would silence
its channels. So a tensor with such values keeps its type.
"""

import errno
import os
import re
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import save_file
from torch import Tensor, nn

from mia_demo.system.files import replacing


def as_kept(tensor: Tensor, dtype: torch.dtype = torch.float16) -> Tensor:
    """Floating-point numbers in this type, if it can hold them; others as they are."""
    if not tensor.is_floating_point():
        return tensor
    rounded = tensor.to(dtype)
    return rounded if bool(rounded.isfinite().all()) else tensor


@torch.no_grad()
def round_as_kept(network: nn.Module) -> None:
    """Rounds a network to what its file will hold, so that the file is what is measured."""
    for tensor in network.state_dict().values():
        tensor.copy_(as_kept(tensor))


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
