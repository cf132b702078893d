"""Checkpoints: what is embedded is what the manifest says, and nothing else gets in."""

from __future__ import annotations

import json
import pickle
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from mia_demo.attack.student import stored_student
from mia_demo.defences.registry import DEFENCES
from mia_demo.errors import CheckpointError
from mia_demo.models.classifiers import build_classifier
from mia_demo.system.device import choose_compute
from mia_demo.zoo.accuracy import AccuracyMeter
from mia_demo.zoo.folder import FolderZoo
from mia_demo.zoo.manifest import MANIFEST, UNSTORED, CheckpointEntry, StoredFile
from mia_demo.zoo.reading import Zoo


@pytest.fixture
def copy(zoo: Zoo, tmp_path: Path) -> Path:
    """A zoo of its own that a test may damage."""
    for name in (MANIFEST, "zero.safetensors"):
        shutil.copy(zoo.root / name, tmp_path / name)
    return tmp_path


def edit(root: Path, change: dict[str, object]) -> None:
    manifest = json.loads((root / MANIFEST).read_text())
    for entry in manifest["checkpoints"]:
        if entry["name"] == "zero":
            entry.update(change)
    (root / MANIFEST).write_text(json.dumps(manifest))


@pytest.fixture(scope="module")
def meter(zoo: Zoo) -> AccuracyMeter:
    return AccuracyMeter(zoo, choose_compute("cpu"))


@pytest.mark.parametrize("name", ["positive", "zero", "negative", "mid", "loft", "evaluator"])
def test_accuracy_in_the_manifest_is_measured_on_the_embedded_test_images(
    meter: AccuracyMeter, name: str
) -> None:
    found = meter.measure(name)
    assert found.images == 1200
    # Two pictures of 1200: other hardware rounds differently.
    assert found.measured == pytest.approx(found.stated, abs=2.5 / 1200)


def test_the_embedded_zoo_keeps_its_promises(zoo: Zoo) -> None:
    assert zoo.default_lanes() == ["positive", "zero", "negative"]
    entries = {name: zoo.entry(name) for name in zoo.default_lanes()}
    assert [entry.alpha for entry in entries.values()] == [0.1, 0.0, -0.05]
    same = {
        (e.architecture, str(e.arguments), e.epochs, e.seed, e.input_size) for e in entries.values()
    }
    assert len(same) == 1
    assert zoo.entry("evaluator").architecture != entries["zero"].architecture
    accuracies = {name: entry.test_accuracy or 0 for name, entry in entries.items()}
    assert min(accuracies["zero"], accuracies["positive"]) >= 0.97
    assert accuracies["negative"] >= accuracies["zero"] - 0.02
    assert entries["negative"].alphas is not None
    assert entries["negative"].alphas[0] == 0
    assert entries["negative"].alphas[-1] == -0.05


def test_targets_of_other_defences_differ_from_the_plain_one_in_nothing_else(zoo: Zoo) -> None:
    plain = zoo.entry("zero")
    defended = [zoo.entry(name) for name in zoo.target_names() if zoo.entry(name).is_defended]
    assert {entry.name for entry in defended} <= set(DEFENCES)
    for entry in defended:
        assert entry.defence == entry.name
        recipe = {**plain.training.recipe, "defence": entry.name, "strengths": entry.strengths}
        assert entry.training.recipe == recipe
        assert (entry.test_accuracy or 0) >= (plain.test_accuracy or 0) - 0.03


def test_every_target_has_its_student(zoo: Zoo) -> None:
    for name in zoo.target_names():
        student = stored_student(zoo, name)
        assert student is not None, f"{name} or the prior was trained again; run store_students"
        assert student.num_classes == zoo.entry(name).num_classes


def test_files_are_small_enough_for_a_space(zoo: Zoo) -> None:
    files = [path for path in zoo.root.rglob("*") if path.is_file()]
    assert all(path.stat().st_size < 10_000_000 for path in files)
    assert sum(path.stat().st_size for path in files) < 80_000_000


def test_a_changed_byte_is_noticed_before_parsing(copy: Path) -> None:
    path = copy / "zero.safetensors"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1  # same size: size checks alone would accept it
    path.write_bytes(data)
    with pytest.raises(CheckpointError, match="differs from its manifest entry"):
        FolderZoo(copy).load_classifier("zero")


def test_a_missing_file_is_named(copy: Path) -> None:
    (copy / "zero.safetensors").unlink()
    with pytest.raises(CheckpointError, match=r"zero\.safetensors is missing"):
        FolderZoo(copy).load_classifier("zero")


@pytest.mark.parametrize(
    "change", [{"architecture": "resnet18"}, {"arguments": {"width": 16}}, {"num_classes": 99}]
)
def test_weights_of_another_architecture_are_refused(copy: Path, change: dict) -> None:
    edit(copy, change)
    with pytest.raises(CheckpointError, match="does not fit"):
        FolderZoo(copy).load_classifier("zero")


def test_missing_weights_are_refused(copy: Path) -> None:
    """Loading is strict: a checkpoint without its head must not get a random one."""
    tensors = FolderZoo(copy).tensors("zero")
    del tensors["fc.bias"]
    save_file(tensors, copy / "zero.safetensors")
    stored = FolderZoo(copy)._stored("zero.safetensors")
    edit(copy, {"bytes": stored.bytes, "sha256": stored.sha256})
    with pytest.raises(CheckpointError, match="does not fit"):
        FolderZoo(copy).load_classifier("zero")


def test_pickles_are_never_opened(copy: Path, tmp_path: Path) -> None:
    witness = tmp_path / "executed"

    class Bomb:
        def __reduce__(self) -> tuple[object, ...]:
            return witness.touch, ()

    (copy / "zero.safetensors").write_bytes(pickle.dumps(Bomb()))
    stored = FolderZoo(copy)._stored("zero.safetensors")
    edit(copy, {"bytes": stored.bytes, "sha256": stored.sha256})
    with pytest.raises(CheckpointError, match="not a safetensors file"):
        FolderZoo(copy).load_classifier("zero")
    assert not witness.exists()


@pytest.mark.parametrize("name", ["../secret", "/etc/passwd", "a/b.safetensors", ".hidden"])
def test_the_manifest_cannot_point_elsewhere(name: str) -> None:
    values = {"file": name, "bytes": 1, "sha256": "0" * 64}
    with pytest.raises(CheckpointError, match="not an unsafe file"):
        StoredFile.from_json(values, "")


def test_wrong_manifests_are_explained(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="is not a zoo"):
        FolderZoo(tmp_path)
    (tmp_path / MANIFEST).write_text("{")
    with pytest.raises(CheckpointError, match="cannot be read"):
        FolderZoo(tmp_path)
    (tmp_path / MANIFEST).write_text('{"format": 99}')
    with pytest.raises(CheckpointError, match="format 1"):
        FolderZoo(tmp_path)
    (tmp_path / MANIFEST).write_text('{"format": 1, "identities": [], "train_images": 1}')
    with pytest.raises(CheckpointError, match="The manifest lacks checkpoints"):
        FolderZoo(tmp_path)


def test_unknown_names_and_kinds(zoo: Zoo) -> None:
    with pytest.raises(CheckpointError, match="no checkpoint 'purple'; it has"):
        zoo.entry("purple")
    with pytest.raises(CheckpointError, match="'prior' is of kind prior"):
        zoo.load_classifier("prior")


def test_a_new_zoo_round_trips_and_replaces(tmp_path: Path) -> None:
    zoo = FolderZoo.create(tmp_path / "zoo")
    entry = CheckpointEntry(
        name="tiny", kind="target", stored=UNSTORED, architecture="compact_resnet",
        arguments={"width": 8}, num_classes=3, input_size=32, alpha=-0.05, test_accuracy=0.5,
    )  # fmt: skip
    network = build_classifier("compact_resnet", 3, 32, {"width": 8}).network
    zoo.add(entry, network.state_dict(), torch.float32)
    zoo.add(entry, network.state_dict(), torch.float32)
    reopened = FolderZoo(zoo.root)
    assert [e.name for e in reopened.manifest.checkpoints] == ["tiny"]
    assert reopened.entry("tiny").versions["torch"] == torch.__version__
    loaded = reopened.load_classifier("tiny")
    for name, tensor in network.state_dict().items():
        assert torch.equal(tensor, loaded.network.state_dict()[name])
    assert not loaded.training
