"""Does a file hold the weights of the network that its manifest entry names?

The network is built without memory and compared with the names and shapes in the file's header:
numbers of the manifest, however large, cost nothing.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from mia_demo.errors import CheckpointError, ConfigError
from mia_demo.zoo.manifest import CheckpointEntry

# Whatever a constructor makes of arguments that do not go together.
MISFITS = (
    *(ConfigError, RuntimeError, TypeError, ValueError),
    *(LookupError, AssertionError, ArithmeticError),
)

_Network = TypeVar("_Network", bound=nn.Module)
Shapes = dict[str, tuple[int, ...]]


def tensor_shapes(path: Path) -> Shapes:
    """Name and shape of every tensor, from the header of a verified file.

    Raises:
        CheckpointError: damaged, or no safetensors.
    """
    try:
        with safe_open(path, framework="pt") as file:
            return {name: tuple(file.get_slice(name).get_shape()) for name in list(file.keys())}
    except SafetensorError as error:
        raise CheckpointError(f"{path.name} is not a safetensors file.") from error


def read_tensors(path: Path) -> dict[str, Tensor]:
    """The tensors of a verified file; floating-point ones as float32.

    Raises:
        CheckpointError: damaged, or no safetensors.
    """
    try:
        tensors = load_file(path)
    except SafetensorError as error:
        raise CheckpointError(f"{path.name} is not a safetensors file.") from error
    return {
        name: tensor.float() if tensor.is_floating_point() else tensor
        for name, tensor in tensors.items()
    }


class _OnlyShapes(TorchFunctionMode):
    """Weights take no memory, and are neither drawn nor scaled; small constants are as they are.

    Arithmetic on the meta device would import half of torch.
    """

    def __torch_function__(
        self, function: Any, types: Any, arguments: Any = (), options: Any = None
    ) -> Any:
        options = options or {}
        if function in (torch.randn, torch.rand):
            function = torch.empty
            options = {name: value for name, value in options.items() if name != "generator"}
        if function in (torch.empty, torch.zeros, torch.ones, torch.full):
            options = {**options, "device": "meta"}
        elif function in (torch.Tensor.div, torch.Tensor.__truediv__) and arguments[0].is_meta:
            return arguments[0]
        return function(*arguments, **options)


def load_weights(path: Path, entry: CheckpointEntry, build: Callable[[], _Network]) -> _Network:
    """Builds a network and loads a verified file into it, strictly.

    Raises:
        CheckpointError: it cannot be built, or the file is another network's.
    """
    found = tensor_shapes(path)
    try:
        with _OnlyShapes():
            wanted = build().state_dict()
    except MISFITS as error:
        reason = str(error) if isinstance(error, ConfigError) else "its arguments do not fit"
        raise CheckpointError(
            f"{entry.name}: {entry.architecture} cannot be built here: {reason}"
        ) from error
    if found != {name: tuple(tensor.shape) for name, tensor in wanted.items()}:
        raise CheckpointError(
            f"{entry.stored.file} does not fit architecture {entry.architecture} of its manifest "
            "entry; the manifest or the file is wrong."
        )
    network = build()
    network.load_state_dict(read_tensors(path), strict=True)
    return network.requires_grad_(False).eval()
