"""Own targets on top of the zoo that came with the demo."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from mia_demo.errors import CheckpointError, ConfigError
from mia_demo.models.classifiers import build_classifier
from mia_demo.zoo.folder import EMBEDDED_ZOO, FolderZoo
from mia_demo.zoo.layers import LayeredZoo
from mia_demo.zoo.manifest import MANIFEST, UNSTORED, CheckpointEntry
from mia_demo.zoo.own_folder import MAX_OWN, OwnFolder
from mia_demo.zoo.reading import Zoo

ARGUMENTS = {"width": 2}
LANES = FolderZoo(EMBEDDED_ZOO).target_names()


def add(zoo: LayeredZoo, alpha: float) -> str:
    entry = CheckpointEntry(
        name="any",
        kind="target",
        stored=UNSTORED,
        architecture="compact_resnet",
        arguments=ARGUMENTS,
        num_classes=3,
        input_size=16,
        alpha=alpha,
    )
    classifier = build_classifier("compact_resnet", 3, 16, ARGUMENTS)
    return zoo.own.add(entry, classifier.network.state_dict())


def test_own_targets_are_read_like_the_others_and_last(zoo: Zoo, tmp_path: Path) -> None:
    before = (zoo.root / MANIFEST).read_bytes()
    layered = LayeredZoo(zoo, OwnFolder(tmp_path / "own"))
    assert not (tmp_path / "own").exists()  # a visitor who trains nothing leaves nothing
    assert [add(layered, 0.3), add(layered, -0.1)] == ["own-1", "own-2"]
    again = LayeredZoo(zoo, OwnFolder(tmp_path / "own"))
    for opened in (layered, again):
        assert opened.target_names() == [*LANES, "own-1", "own-2"]
        assert opened.entry("own-2").alpha == -0.1
        assert opened.load_classifier("own-2")(torch.zeros(1, 3, 16, 16)).shape == (1, 3)
        assert opened.load_classifier("zero").num_classes == 100
    assert zoo.target_names() == LANES
    assert (zoo.root / MANIFEST).read_bytes() == before


def test_only_own_targets_can_be_deleted(zoo: Zoo, tmp_path: Path) -> None:
    layered = LayeredZoo(zoo, OwnFolder(tmp_path))
    add(layered, 0.3)
    for name in ("zero", "../own-1", "own-2"):
        with pytest.raises(ConfigError, match="no classifier"):
            layered.own.remove(name)
    layered.own.remove("own-1")
    assert layered.target_names() == LANES
    assert [path.name for path in tmp_path.iterdir()] == [MANIFEST]


def test_only_so_many_are_kept(zoo: Zoo, tmp_path: Path) -> None:
    layered = LayeredZoo(zoo, OwnFolder(tmp_path))
    for _ in range(MAX_OWN):
        add(layered, 0.1)
    with pytest.raises(ConfigError, match="delete one of yours first"):
        add(layered, 0.1)


def test_a_damaged_own_file_is_not_loaded(zoo: Zoo, tmp_path: Path) -> None:
    layered = LayeredZoo(zoo, OwnFolder(tmp_path))
    add(layered, 0.3)
    (tmp_path / "own-1.safetensors").write_bytes(b"damaged")
    with pytest.raises(CheckpointError, match="differs from its manifest entry"):
        layered.load_classifier("own-1")


def test_a_damaged_own_manifest_does_not_stop_the_demo(zoo: Zoo, tmp_path: Path) -> None:
    (tmp_path / MANIFEST).write_text("no JSON")
    layered = LayeredZoo(zoo, OwnFolder(tmp_path))
    assert layered.target_names() == LANES
    with pytest.raises(CheckpointError, match="restore it"):
        add(layered, 0.3)
