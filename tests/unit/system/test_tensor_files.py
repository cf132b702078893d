"""Weights on a full disk."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from mia_demo.system.tensor_files import round_as_kept, write_tensors
from mia_demo.zoo.folder import FolderZoo
from mia_demo.zoo.manifest import UNSTORED, CheckpointEntry
from tests.full_disk import full_disk

WEIGHTS = {"weight": torch.zeros(100_000)}


def test_a_full_disk_is_an_os_error_and_leaves_nothing(tmp_path: Path) -> None:
    with full_disk(10_000), pytest.raises(OSError, match="too large") as caught:
        write_tensors(tmp_path / "weights.safetensors", WEIGHTS)
    assert caught.value.errno == errno.EFBIG
    assert list(tmp_path.iterdir()) == []


def test_what_was_written_is_read(tmp_path: Path) -> None:
    write_tensors(tmp_path / "weights.safetensors", WEIGHTS, {"state": "{}"})
    assert torch.equal(load_file(tmp_path / "weights.safetensors")["weight"], WEIGHTS["weight"])


def test_statistics_beyond_float16_are_kept_and_measured_as_they_are(tmp_path: Path) -> None:
    network = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2))
    network[1].running_var.copy_(torch.tensor([583_956.8, 1.0]))  # as negative smoothing makes them
    network[0].weight.data.fill_(1 / 3)
    round_as_kept(network)
    zoo = FolderZoo.create(tmp_path)
    entry = CheckpointEntry("large", "target", UNSTORED, "none", num_classes=2, input_size=64)
    zoo.add(entry, network.state_dict(), torch.float16)
    kept = load_file(tmp_path / "large.safetensors")
    assert {name: tensor.dtype for name, tensor in kept.items() if name.startswith("0.")} == {
        "0.weight": torch.float16,
        "0.bias": torch.float16,
    }
    assert kept["1.running_var"].tolist() == [583_956.8125, 1.0]
    assert all(torch.equal(kept[name], tensor) for name, tensor in network.state_dict().items())
    assert network[0].weight[0, 0].item() == torch.tensor(1 / 3).half().item()
