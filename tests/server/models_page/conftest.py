"""A small zoo, and what a Hub and a visitor may add to it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch

from mia_demo.system.device import Compute
from mia_demo.ui.engine.engine import Engine
from mia_demo.ui.models.handlers import ModelsHandlers
from mia_demo.zoo.folder import FolderZoo
from tests.hub_stand_in import HubStandIn
from tests.tiny_zoo import make_tiny_zoo


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    zoo = make_tiny_zoo(tmp_path / "demo")
    return Engine(zoo, Compute(torch.device("cpu"), torch.float32), tmp_path / "runs")


@pytest.fixture
def handlers(engine: Engine) -> ModelsHandlers:
    return ModelsHandlers(engine)


@pytest.fixture
def same(engine: Engine, tmp_path: Path, hub: HubStandIn) -> str:
    """On the Hub: other targets of the demo's people; the commit."""
    folder = tmp_path / "same"
    shutil.copytree(engine.zoo.base.root, folder)
    zoo = FolderZoo(folder)
    for entry in zoo.entries("target"):
        tensors = zoo.tensors(entry.name)
        tensors["fc.weight"] *= 1.01
        zoo.add(entry, tensors, torch.float32)
    return hub.host(folder, "ada/same")


@pytest.fixture
def others(tmp_path: Path, hub: HubStandIn) -> str:
    """On the Hub: a zoo of other people; the commit."""
    zoo = make_tiny_zoo(tmp_path / "others")
    zoo.set_identities(["identities_0.zip"], 3)
    return hub.host(zoo.root, "ada/others")


@pytest.fixture
def files(engine: Engine, tmp_path: Path) -> tuple[Path, Path]:
    """Weights and entry, as a browser sends them: under names of the visitor's choice."""
    zoo = FolderZoo.create(tmp_path / "mine")
    tensors = engine.zoo.tensors("zero")
    tensors["fc.weight"] *= 1.02
    zoo.add(engine.zoo.entry("zero"), tensors, torch.float32)
    weights, entry = tmp_path / "<img src=x>.SAFETENSORS", tmp_path / "entry.json"
    weights.write_bytes((zoo.root / "zero.safetensors").read_bytes())
    entry.write_text(json.dumps(zoo.entry("zero").to_json()))
    return weights, entry
