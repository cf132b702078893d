"""Weights of strangers: do they fit what their entry says, and do they give numbers?"""

from pathlib import Path

import torch
from torch import Tensor, nn

from mia_demo.attack.sampling import POOL_STYLES
from mia_demo.errors import CheckpointError
from mia_demo.system.files import sha256_of
from mia_demo.zoo.fitting import MISFITS, tensor_shapes
from mia_demo.zoo.manifest import CheckpointEntry, StoredFile
from mia_demo.zoo.reading import SelectedZoo, Zoo

MAX_PRIOR_SIDE = 1024
INPUT_SIZES = range(16, 300)  # Inception, the paper's largest classifier, looks at 299 px


def check_file(path: Path, stored: StoredFile) -> None:
    """
    Raises:
        CheckpointError: other bytes than the entry says.
    """
    size = path.stat().st_size
    if size != stored.bytes:
        raise CheckpointError(
            f"The weights have {size:,} bytes, their entry says {stored.bytes:,}; the file is cut "
            "off, or the entry is another file's."
        )
    if sha256_of(path) != stored.sha256:
        raise CheckpointError(
            "The sha256 of the weights is not that of their entry; the file is damaged, or the "
            "entry is another file's."
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
            f"{entry.name} tells {entry.num_classes} people apart, not {people}; only "
            "classifiers of the same people can be attacked side by side."
        )
    if size not in INPUT_SIZES:
        raise CheckpointError(
            f"{entry.name} looks at pictures of {size} pixels; {INPUT_SIZES[0]} to "
            f"{INPUT_SIZES[-1]} are supported."
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
    if entry.input_size > MAX_PRIOR_SIDE:
        raise CheckpointError(
            f"{entry.name} makes pictures of {entry.input_size} pixels; {MAX_PRIOR_SIDE} at most "
            "are possible here."
        )
    if entry.input_size != size:
        raise CheckpointError(
            f"{entry.name} makes pictures of {size} pixels, but its input_size is "
            f"{entry.input_size}."
        )
    generator = SelectedZoo(zoo, [entry]).load_prior(entry.name)
    styles = torch.zeros(1, generator.z_dim)
    _check_output(entry, generator, styles, (1, 3, size, size))


def fits_pool(zoo: Zoo, entry: CheckpointEntry, people: int) -> bool:
    """Whether a stored pool is of this program's size and of these people."""
    try:
        shapes = tensor_shapes(zoo.verified_path(entry.stored))
    except CheckpointError:
        return False
    width = zoo.entry("prior").arguments.get("w_dim", 512)
    return shapes.pop("styles", None) == (POOL_STYLES, width) and all(
        shape == (POOL_STYLES, people) for shape in shapes.values()
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
