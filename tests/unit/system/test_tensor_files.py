"""Weights on a full disk."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from mia_demo.system.tensor_files import write_tensors
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
