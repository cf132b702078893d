"""Checkpoints as other training programs lay them out."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from mia_demo.convert.pipeline import ClassifierFacts, convert_file
from mia_demo.errors import ConversionError
from mia_demo.zoo.folder import FolderZoo

CASES = Path(__file__).parents[2] / "cases"
NEWER = "stylegan2_of_the_newer_repository"


def converted(source: Path, folder: Path) -> dict[str, Tensor]:
    convert_file(source, folder, "prior", ClassifierFacts(), lambda _: None)
    return FolderZoo(folder).tensors("prior")


@pytest.fixture(scope="module")
def state() -> dict[str, Tensor]:
    return torch.load(CASES / f"{NEWER}.pt", weights_only=True)


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Tensor]:
    return converted(CASES / f"{NEWER}.pt", tmp_path_factory.mktemp("plain") / "zoo")


def same(tensors: dict[str, Tensor], expected: dict[str, Tensor]) -> bool:
    return tensors.keys() == expected.keys() and all(
        torch.equal(tensor, expected[key]) for key, tensor in tensors.items()
    )


def test_the_newer_repositorys_pickle_converts(tmp_path: Path, expected: dict[str, Tensor]) -> None:
    assert same(converted(CASES / f"{NEWER}.pkl", tmp_path / "zoo"), expected)


def prefixed(state: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {prefix + key: tensor for key, tensor in state.items()}


@pytest.mark.parametrize("legacy", [False, True])
@pytest.mark.parametrize(
    "layout",
    [
        lambda s: {"g_ema": s, "args": argparse.Namespace(lr=0.002, out=Path("x/y"))},
        lambda s: {"state_dict": prefixed(s, "module."), "best": np.float64(0.5), "epoch": 3},
        lambda s: {"model": prefixed(s, "module._orig_mod."), "size": torch.Size([3, 16, 16])},
        lambda s: {"n_averaged": torch.tensor(7), **prefixed(s, "module.")},
        lambda s: {
            "initted": torch.tensor(True),
            "step": torch.tensor(9),
            **prefixed({key: tensor * 0 for key, tensor in s.items()}, "online_model."),
            **prefixed(s, "ema_model."),
        },
        lambda s: {"ema": {"state_dict": s}, "device": torch.device("cuda", 0)},
    ],
    ids=["namespace", "parallel", "compiled", "averaged", "ema", "nested"],
)
def test_layouts_of_training_programs(
    tmp_path: Path,
    state: dict[str, Tensor],
    expected: dict[str, Tensor],
    layout: Any,
    legacy: bool,
) -> None:
    torch.save(layout(state), tmp_path / "x.pt", _use_new_zipfile_serialization=not legacy)
    assert same(converted(tmp_path / "x.pt", tmp_path / "zoo"), expected)


def test_safetensors_convert(
    tmp_path: Path, state: dict[str, Tensor], expected: dict[str, Tensor]
) -> None:
    plain = {key: tensor.contiguous() for key, tensor in prefixed(state, "module.").items()}
    save_file(plain, tmp_path / "x.safetensors", {"format": "pt"})
    assert same(converted(tmp_path / "x.safetensors", tmp_path / "zoo"), expected)


def test_an_intact_file_is_never_called_damaged(tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    save_file({"encoder.weight": torch.zeros(2, 2)}, path)
    with pytest.raises(ConversionError, match="has no linear head"):
        converted(path, tmp_path / "zoo")
    whole = path.read_bytes()
    path.write_bytes(whole.replace(b'"F32"', b'"Q32"'))
    with pytest.raises(ConversionError, match="kinds of numbers that this version of torch"):
        converted(path, tmp_path / "zoo")
    path.write_bytes(whole[:-1])
    with pytest.raises(ConversionError, match="is a damaged safetensors file"):
        converted(path, tmp_path / "zoo")


def test_stylegan3_is_refused_by_its_name(tmp_path: Path) -> None:
    torch.save({"synthesis.input.freqs": torch.zeros(4, 2)}, tmp_path / "x.pt")
    with pytest.raises(ConversionError, match="is a StyleGAN3 generator"):
        converted(tmp_path / "x.pt", tmp_path / "zoo")
