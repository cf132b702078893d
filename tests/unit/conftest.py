"""Fixtures of the unit tests: the embedded zoo, and tiny data made on the spot."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from mia_demo.attack.attack import Attacker
from mia_demo.system.device import Compute
from mia_demo.training.classifier import LabelledImages
from mia_demo.zoo.opening import open_zoo
from mia_demo.zoo.reading import Zoo
from tests.small_sweep import make_row, results, trainings

__all__ = ["make_row", "results", "trainings"]  # fixtures of the figures' tests


@pytest.fixture(scope="session")
def compute() -> Compute:
    """Float32 on the CPU: the arithmetic that every machine shares."""
    return Compute(torch.device("cpu"), torch.float32)


@pytest.fixture(scope="session")
def zoo() -> Zoo:
    return open_zoo()


@pytest.fixture(scope="session")
def attacker(zoo: Zoo, compute: Compute) -> Attacker:
    return Attacker(zoo, compute)


@pytest.fixture
def identity_folder(tmp_path: Path) -> Path:
    """Three identities with four small pictures each."""
    folder = tmp_path / "people"
    rng = np.random.default_rng(0)
    for identity in ("ada", "bob", "cleo"):
        (folder / identity).mkdir(parents=True)
        for index in range(4):
            pixels = rng.integers(0, 256, (20, 24, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / identity / f"{index}.png")
    return folder


@pytest.fixture
def zip_of(tmp_path: Path) -> Callable[..., Path]:
    """Packs {name: bytes} into a zip."""

    def pack(files: dict[str, bytes], name: str = "set.zip") -> Path:
        path = tmp_path / name
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for entry, content in files.items():
                archive.writestr(entry, content)
        return path

    return pack


@pytest.fixture
def coloured_people() -> LabelledImages:
    """Two classes that differ in colour: learnable in a few steps."""
    rng = torch.Generator().manual_seed(0)
    images = torch.randint(0, 60, (24, 3, 16, 16), generator=rng).to(torch.uint8)
    labels = torch.arange(24) % 2
    images[labels == 1, 0] += 150
    return LabelledImages(images, labels)
