"""A complete zoo of half a megabyte with random weights: made in a second."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from mia_demo.attack.sampling import POOL_PSI, POOL_STYLES
from mia_demo.models.classifiers import build_classifier
from mia_demo.models.stylegan2 import Generator
from mia_demo.system.device import Compute
from mia_demo.training.classifier import LabelledImages, accuracy
from mia_demo.zoo.folder import FolderZoo
from mia_demo.zoo.manifest import UNSTORED, CheckpointEntry
from mia_demo.zoo.reading import Zoo
from mia_demo.zoo.training_record import TrainingRecord

SIZE, PEOPLE, PHOTOS, TRAIN = 16, 3, 4, 2
COMPUTE = Compute(torch.device("cpu"), torch.float32)
GENERATOR = {
    "z_dim": 8, "w_dim": 8, "resolution": SIZE, "channel_base": 64, "channel_max": 8,
    "mapping_layers": 2,
}  # fmt: skip


def make_tiny_zoo(folder: Path) -> Zoo:
    """Three targets, evaluator, embedder, prior, pool, and three people."""
    torch.manual_seed(0)
    zoo = FolderZoo.create(folder)
    _add_people(zoo)
    for name, alpha in (("positive", 0.1), ("zero", 0.0), ("negative", -0.05)):
        _add_classifier(zoo, name, "target", alpha=alpha)
    _add_classifier(zoo, "evaluator", "evaluator")
    _add_classifier(zoo, "embedder", "embedder", measured=False)
    prior = Generator(**GENERATOR)
    entry = CheckpointEntry("prior", "prior", UNSTORED, "stylegan2", GENERATOR, input_size=SIZE)
    zoo.add(entry, prior.state_dict(), torch.float32)
    _add_pool(zoo)
    return zoo


def _add_people(zoo: Zoo) -> None:
    rng = np.random.default_rng(0)
    with zipfile.ZipFile(zoo.root / "identities_0.zip", "w") as archive:
        for person in range(PEOPLE):
            for photo in range(PHOTOS):
                buffer = io.BytesIO()
                pixels = rng.integers(0, 255, (SIZE, SIZE, 3), dtype=np.uint8)
                Image.fromarray(pixels).save(buffer, format="PNG")
                archive.writestr(f"{person:04d}/{photo:03d}.png", buffer.getvalue())
    zoo.set_identities(["identities_0.zip"], TRAIN)


def _add_classifier(zoo: Zoo, name: str, kind: str, *, measured: bool = True, **more: Any) -> None:
    arguments = {"width": 4}
    classifier = build_classifier("compact_resnet", PEOPLE, SIZE, arguments).eval()
    if measured:
        test = LabelledImages(*zoo.split(zoo.identities(), SIZE, "test"))
        more["test_accuracy"] = accuracy(COMPUTE.place(classifier), test, COMPUTE)
    entry = CheckpointEntry(
        name, kind, UNSTORED, "compact_resnet", arguments, PEOPLE, SIZE, **more
    )  # fmt: skip
    zoo.add(entry, classifier.network.state_dict(), torch.float32)


def _add_pool(zoo: Zoo, styles: int = POOL_STYLES) -> None:
    names = ["prior", *zoo.target_names()]
    made_with = {name: zoo.entry(name).stored.sha256 for name in names}
    training = TrainingRecord(made_with=made_with, truncation_psi=POOL_PSI, styles=styles)
    tensors = {name: torch.rand(styles, PEOPLE) for name in zoo.target_names()}
    entry = CheckpointEntry("pool", "pool", UNSTORED, "pool", training=training)
    zoo.add(entry, {"styles": torch.randn(styles, 8), **tensors}, torch.float32)
