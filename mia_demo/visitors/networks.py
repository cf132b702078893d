"""Weights of strangers: do they fit what their entry says, and do they give numbers?"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from mia_demo.attack.sampling import POOL_STYLES
from mia_demo.errors import CheckpointError, ConfigError
from mia_demo.models.classifiers import build_classifier
from mia_demo.models.stylegan2 import Generator
from mia_demo.system.files import sha256_of
from mia_demo.zoo.manifest import CheckpointEntry, StoredFile
from mia_demo.zoo.reading import SelectedZoo, Zoo

INPUT_SIZES = range(16, 300)  # Inception, the paper's largest classifier, looks at 299 px
# Whatever a constructor makes of arguments that do not go together.
MISFITS = (
    *(ConfigError, RuntimeError, TypeError, ValueError),
    *(LookupError, AssertionError, ArithmeticError),
)

Shapes = dict[str, tuple[int, ...]]


def check_file(path: Path, stored: StoredFile) -> None:
    """
    Raises:
        CheckpointError: other bytes than the entry says.
    """
    size = path.stat().st_size
    if size != stored.bytes:
        raise CheckpointError(
            f"The weights have {size:,} bytes, their entry says {stored.bytes:,}; the file is cut "
            "off, or the entry is of another one."
        )
    if sha256_of(path) != stored.sha256:
        raise CheckpointError(
            "The sha256 of the weights is not that of their entry; the file is damaged, or the "
            "entry is of another one."
        )


def check_classifier_weights(zoo: Zoo, entry: CheckpointEntry, people: int) -> None:
    """Whether a target or evaluator can be loaded and used.

    Args:
        zoo: has the file; what it says of it does not count.
        entry: clean.
        people: how many it must tell apart.

    Raises:
        CheckpointError: what is wrong with it.
    """
    size = entry.input_size
    if entry.num_classes != people:
        raise CheckpointError(
            f"{entry.name} tells {entry.num_classes} people apart, here are {people}; only "
            "classifiers of the same people can be attacked side by side."
        )
    if size not in INPUT_SIZES:
        raise CheckpointError(
            f"{entry.name} looks at pictures of {size} pixels; {INPUT_SIZES[0]} to "
            f"{INPUT_SIZES[-1]} are possible here."
        )
    _check_shapes(
        zoo,
        entry,
        lambda: build_classifier(entry.architecture, people, size, entry.arguments).network,
    )
    picture = torch.rand((1, 3, size, size), generator=torch.Generator().manual_seed(0)) * 2 - 1
    _check_output(
        entry, SelectedZoo(zoo, [entry]).load_classifier(entry.name), picture, (1, people)
    )


def check_prior_weights(zoo: Zoo, entry: CheckpointEntry) -> None:
    """The same for a prior.

    Raises:
        CheckpointError: what is wrong with it.
    """
    size = entry.arguments.get("resolution", 64)
    if entry.input_size != size:
        raise CheckpointError(
            f"{entry.name} makes pictures of {size} pixels, but its input_size is "
            f"{entry.input_size}."
        )
    _check_shapes(zoo, entry, lambda: Generator(**entry.arguments))
    generator = SelectedZoo(zoo, [entry]).load_prior(entry.name)
    styles = torch.zeros(1, generator.z_dim)
    _check_output(entry, generator, styles, (1, 3, size, size))


def fits_pool(zoo: Zoo, entry: CheckpointEntry, people: int) -> bool:
    """Whether a stored pool is of this program's size and of these people."""
    try:
        shapes = tensor_shapes(zoo, entry)
    except CheckpointError:
        return False
    width = zoo.entry("prior").arguments.get("w_dim", 512)
    return shapes.pop("styles", None) == (POOL_STYLES, width) and all(
        shape == (POOL_STYLES, people) for shape in shapes.values()
    )


def tensor_shapes(zoo: Zoo, entry: CheckpointEntry) -> Shapes:
    """Name and shape of every tensor, from the header of the verified file.

    Raises:
        CheckpointError: missing, damaged, or no safetensors.
    """
    try:
        with safe_open(zoo.verified_path(entry.stored), framework="pt") as file:
            return {name: tuple(file.get_slice(name).get_shape()) for name in list(file.keys())}
    except SafetensorError as error:
        raise CheckpointError(f"{entry.stored.file} is not a safetensors file.") from error


def _check_shapes(zoo: Zoo, entry: CheckpointEntry, build: Callable[[], nn.Module]) -> None:
    found = tensor_shapes(zoo, entry)
    try:
        with torch.device("meta"):
            network = build()
    except MISFITS as error:
        reason = str(error) if isinstance(error, ConfigError) else "its arguments do not fit"
        raise CheckpointError(
            f"{entry.name}: {entry.architecture} cannot be built here: {reason}"
        ) from error
    if found != {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}:
        raise CheckpointError(
            f"{entry.stored.file} does not fit architecture {entry.architecture} of its manifest "
            "entry; the manifest or the file is wrong."
        )


@torch.no_grad()
def _check_output(
    entry: CheckpointEntry, network: nn.Module, example: Tensor, shape: tuple[int, ...]
) -> None:
    try:
        output: Tensor = network(example)
    except MISFITS as error:  # such as a size that the network was not made for
        raise CheckpointError(
            f"{entry.name} cannot compute with pictures of {entry.input_size} pixels; the manifest "
            "entry is wrong."
        ) from error
    if tuple(output.shape) != shape or not bool(output.isfinite().all()):
        raise CheckpointError(f"{entry.name} gives no finite numbers; its weights are damaged.")
