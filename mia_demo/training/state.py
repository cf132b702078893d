"""Training state on disk without pickles: tensors in safetensors, numbers in its metadata.

A file is written whole or not at all, so a training can be killed at any moment and resumes from
the last save. Random states need no saving: every step seeds its own generator from (seed, step).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from mia_demo.errors import CheckpointError
from mia_demo.system.json_files import parse_json
from mia_demo.system.tensor_files import write_tensors


def step_generator(seed: int, step: int) -> torch.Generator:
    """CPU generator that depends on (seed, step) alone, so that a resumed run repeats its draws."""
    return torch.Generator().manual_seed((seed * 1_000_003 + step) % 2**63)


def save_state(path: Path, tensors: dict[str, Tensor], numbers: dict[str, Any]) -> None:
    whole = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    write_tensors(path, whole, {"state": json.dumps(numbers)})


def load_state(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    try:
        with safe_open(path, framework="pt") as file:
            numbers = parse_json((file.metadata() or {})["state"])
            return {name: file.get_tensor(name) for name in file.keys()}, numbers  # noqa: SIM118
    except (SafetensorError, OSError, KeyError, ValueError) as error:
        raise CheckpointError(
            f"{path} is not a training state of this program ({error}); delete it to start anew."
        ) from error


def module_tensors(prefix: str, module: nn.Module) -> dict[str, Tensor]:
    return {f"{prefix}.{name}": tensor for name, tensor in module.state_dict().items()}


def load_module(prefix: str, module: nn.Module, tensors: dict[str, Tensor]) -> None:
    start = len(prefix) + 1
    module.load_state_dict(
        {name[start:]: t for name, t in tensors.items() if name.startswith(f"{prefix}.")}
    )


def adam_tensors(prefix: str, optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    state = optimizer.state_dict()["state"]
    return {
        f"{prefix}.{index}.{name}": value
        for index, values in state.items()
        for name, value in values.items()
    }


def load_adam(prefix: str, optimizer: torch.optim.Optimizer, tensors: dict[str, Tensor]) -> None:
    """Restores moments and step counts; learning rates stay those of the optimizer."""
    state: dict[int, dict[str, Tensor]] = {}
    for name, tensor in tensors.items():
        if name.startswith(f"{prefix}."):
            _, index, field = name.rsplit(".", 2)
            state.setdefault(int(index), {})[field] = tensor
    groups = optimizer.state_dict()["param_groups"]
    optimizer.load_state_dict({"state": state, "param_groups": groups})
