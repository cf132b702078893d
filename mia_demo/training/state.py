"""Training state on disk without pickles: tensors in safetensors, numbers in its metadata.

A file is written whole or not at all, so a training can be killed at any moment and resumes from
the last save. Random states need no saving: every step seeds its own generator from (seed, step).
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn
from torch.optim import Adam

from mia_demo.errors import CheckpointError
from mia_demo.system.json_files import parse_json
from mia_demo.system.tensor_files import write_tensors


def step_generator(seed: int, step: int) -> torch.Generator:
    """CPU generator that depends on (seed, step) alone, so that a resumed run repeats its draws."""
    return torch.Generator().manual_seed((seed * 1_000_003 + step) % 2**63)


def fingerprint(*data: Tensor) -> str:
    """sha256 of what a training learns from."""
    digest = hashlib.sha256()
    for tensor in data:
        digest.update(tensor.detach().cpu().contiguous().numpy().data)  # not a copy
    return digest.hexdigest()


def save_state(
    path: Path,
    parts: Mapping[str, nn.Module | Adam],
    recipe: Mapping[str, Any],
    numbers: Mapping[str, Any],
) -> None:
    """Saves networks and optimisers by name, and the numbers that a training needs to go on.

    Args:
        recipe: settings that a resumed training must have, too.
    """
    whole: dict[str, Tensor] = {}
    for name, part in parts.items():
        state = _moments(part) if isinstance(part, Adam) else part.state_dict()
        whole |= {f"{name}.{key}": tensor for key, tensor in state.items()}
    whole = {name: tensor.detach().cpu().contiguous() for name, tensor in whole.items()}
    write_tensors(path, whole, {"state": json.dumps({"config": recipe, **numbers})})


def load_state(
    path: Path, parts: Mapping[str, nn.Module | Adam], recipe: Mapping[str, Any]
) -> dict[str, Any]:
    """Restores the parts; returns the numbers.

    Raises:
        CheckpointError: the file is damaged or belongs to other settings or data.
    """
    try:
        with safe_open(path, framework="pt") as file:
            numbers = parse_json((file.metadata() or {})["state"])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError, KeyError, ValueError) as error:
        raise CheckpointError(
            f"{path} is not a training state of this program ({error}); delete it to start anew."
        ) from error
    if numbers["config"] != recipe:
        raise CheckpointError(
            f"{path.parent} holds a training with other settings or data; give the same ones, or "
            "choose another folder."
        )
    for name, part in parts.items():
        start = f"{name}."
        own = {key.removeprefix(start): t for key, t in tensors.items() if key.startswith(start)}
        try:
            if isinstance(part, Adam):
                _load_moments(part, own)
            else:
                part.load_state_dict(own)
        except RuntimeError as error:  # such as another number of people
            raise CheckpointError(
                f"{path.parent} holds a training of other data; choose another folder."
            ) from error
    return numbers


def _moments(optimizer: Adam) -> dict[str, Tensor]:
    """Moments and step counts, by parameter and name."""
    state = optimizer.state_dict()["state"]
    return {f"{index}.{name}": value for index in state for name, value in state[index].items()}


def _load_moments(optimizer: Adam, tensors: Mapping[str, Tensor]) -> None:
    """Learning rates stay those of the optimiser."""
    state: dict[int, dict[str, Tensor]] = {}
    for key, tensor in tensors.items():
        index, name = key.split(".")
        state.setdefault(int(index), {})[name] = tensor
    groups = optimizer.state_dict()["param_groups"]
    optimizer.load_state_dict({"state": state, "param_groups": groups})
