"""A zoo with the embedded identities and untrained networks: real in shape, ready in seconds."""

from __future__ import annotations

import math
import shutil
from pathlib import Path

import torch

from mia_demo.attack import sampling
from mia_demo.device import choose_compute
from mia_demo.models.classifiers import build_classifier
from mia_demo.models.stylegan2 import Generator
from mia_demo.zoo import EMBEDDED_ZOO, UNSTORED, CheckpointEntry, Zoo

ALPHAS = {"positive": 0.1, "zero": 0.0, "negative": -0.05}
POOL_STYLES = 2000  # as many as the presets ask for
PRIOR = {"z_dim": 32, "w_dim": 32, "resolution": 32, "channel_base": 512, "channel_max": 32}


def make_tiny_zoo(root: Path) -> Zoo:
    """Writes the zoo into an empty folder."""
    torch.manual_seed(0)
    root.mkdir(parents=True, exist_ok=True)
    embedded = Zoo(EMBEDDED_ZOO).manifest
    for part in embedded.identities:
        shutil.copy(EMBEDDED_ZOO / part.file, root)
    zoo = Zoo.create(root)
    zoo.set_identities([part.file for part in embedded.identities], embedded.train_images)
    for name, alpha in ALPHAS.items():
        _add_classifier(zoo, name, "target", alpha)
    _add_classifier(zoo, "evaluator", "evaluator", None)
    generator = Generator(**PRIOR, mapping_layers=2)
    entry = CheckpointEntry(
        name="prior",
        kind="prior",
        stored=UNSTORED,
        architecture="stylegan2",
        arguments={**PRIOR, "mapping_layers": 2},
        input_size=32,
    )
    zoo.add(entry, generator.state_dict(), torch.float32)
    full = sampling.POOL_STYLES
    sampling.POOL_STYLES = POOL_STYLES
    try:
        sampling.store_pool(zoo, choose_compute("cpu"))
    finally:
        sampling.POOL_STYLES = full
    return zoo


def _add_classifier(zoo: Zoo, name: str, kind: str, alpha: float | None) -> None:
    arguments = {"width": 8}
    classifier = build_classifier("compact_resnet", len(zoo.identities()), 32, arguments)
    # Untrained logits are nearly equal; spread them, so that candidates differ in confidence.
    classifier.network.fc.weight.data.mul_(math.e**2)
    entry = CheckpointEntry(
        name=name,
        kind=kind,
        stored=UNSTORED,
        architecture="compact_resnet",
        arguments=arguments,
        num_classes=classifier.num_classes,
        input_size=32,
        alpha=alpha,
        test_accuracy=0.5,
    )
    zoo.add(entry, classifier.network.state_dict(), torch.float32)
