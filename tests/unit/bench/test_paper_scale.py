"""The way of the paper end to end: a FaceScrub folder, its recipe, a prior of 1024 px, a sweep.

Real sizes of pictures (1024, 800, 224, 299 px), with networks of a few channels.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from mia_demo.attack.attack import Attacker
from mia_demo.cli import main
from mia_demo.models.classifiers import build_classifier
from mia_demo.models.stylegan2 import Generator
from mia_demo.system.device import Compute
from mia_demo.zoo.folder import FolderZoo
from mia_demo.zoo.manifest import UNSTORED, CheckpointEntry

TINY_PRIOR = {
    "z_dim": 8, "w_dim": 8, "resolution": 1024, "channel_base": 1024, "channel_max": 4,
    "mapping_layers": 1,
}  # fmt: skip


@pytest.fixture(scope="module")
def facescrub(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("facescrub")
    rng = np.random.default_rng(0)
    for person in ("actors/faces/Bob", "actors/faces/Zac", "actresses/faces/Anna"):
        (folder / person).mkdir(parents=True)
        for number in range(4):
            pixels = rng.integers(0, 256, (40, 40, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / person / f"{number}.jpg")
    return folder


@pytest.fixture(scope="module")
def paper_zoo(tmp_path_factory: pytest.TempPathFactory, facescrub: Path) -> Path:
    """Target and evaluator trained by the recipe for an epoch; prior and embedder of chance."""
    root = tmp_path_factory.mktemp("zoo")
    shared = (
        "train", "--recipe", "facescrub", "--data", str(facescrub), "--output", str(root),
        "--epochs", "1", "--batch-size", "10", "--device", "cpu",
    )  # fmt: skip
    assert main([*shared, "--alpha", "-0.05", "--architecture", "compact_resnet"]) == 0
    assert main([*shared, "--evaluator", "--architecture", "compact_resnet"]) == 0
    zoo = FolderZoo(root)
    torch.manual_seed(0)
    prior = CheckpointEntry("prior", "prior", UNSTORED, "stylegan2", TINY_PRIOR, input_size=1024)
    zoo.add(prior, Generator(**TINY_PRIOR).state_dict(), torch.float32)
    embedder = CheckpointEntry(
        "embedder", "embedder", UNSTORED, "compact_resnet", {"width": 4}, num_classes=8
    )
    network = build_classifier("compact_resnet", 8, 64, {"width": 4}).network
    zoo.add(embedder, network.state_dict(), torch.float32)
    return root


def test_the_recipe_trains_on_the_folders_split(paper_zoo: Path, facescrub: Path) -> None:
    zoo = FolderZoo(paper_zoo)
    target, evaluator = zoo.entry("alpha-0.05"), zoo.entry("evaluator")
    assert (target.input_size, evaluator.input_size) == (224, 299)
    assert (target.num_classes, target.alphas) == (3, [-0.05])
    assert target.training.recipe["batch_size"] == 10
    items = zoo.split_items(zoo.identities())
    # numpy's shuffle of 0..11 with seed 42 ends in 3, 6: Bob's last and Zac's third picture.
    assert items["test"] == [(0, 3), (1, 2)]
    assert zoo.manifest.folder is not None
    assert zoo.manifest.folder.path == str(facescrub.resolve())


def test_a_sweep_of_the_papers_preset_judges_what_lies_within_the_crop(
    paper_zoo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([
        "sweep", "--zoo", str(paper_zoo), "--preset", "paper", "--identities", "2",
        "--set", "pool_size=2", "--set", "candidates=2", "--set", "kept=1", "--set", "steps=1",
        "--set", "selection_rounds=1", "--output", str(tmp_path), "--device", "cpu", "--json",
    ]) == 0  # fmt: skip
    (row,) = json.loads(capsys.readouterr().out)["rows"]
    assert row["lane"] == "alpha-0.05"
    assert 0 <= row["acc1"] <= 1
    assert row["delta_eval"] > 0
    with Image.open(tmp_path / "attacks" / "seed0_identity0002.png") as kept:
        assert kept.size == (299, 299)


def test_what_classifiers_see_is_the_papers_crop(paper_zoo: Path, compute: Compute) -> None:
    attacker = Attacker(FolderZoo(paper_zoo), compute)
    assert attacker.framing.side == 800
    assert attacker.renderer.micro_batches.size == 1


def test_a_zoo_may_be_told_where_its_data_lie(
    facescrub: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = [
        "use-data", "--data", str(facescrub), "--layout", "facescrub", "--output", str(tmp_path),
        "--json",
    ]  # fmt: skip
    assert main(arguments) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["identities"], told["train_images"], told["test_images"]) == (3, 10, 2)
    assert told["crop"] == 800 / 1024
    assert main([*arguments, "--crop", "1"]) == 0
    assert FolderZoo(tmp_path).manifest.folder.crop == 1
    assert FolderZoo(tmp_path).images_of(FolderZoo(tmp_path).identities(), 1, "test") == [2]
    assert main(["use-data", "--data", str(tmp_path), *arguments[3:]]) == 2
    assert "actors/faces does not exist" in capsys.readouterr().err


def test_a_moved_folder_is_one_clear_sentence(
    paper_zoo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    manifest = json.loads((paper_zoo / "manifest.json").read_text())
    manifest["folder"]["path"] = str(tmp_path / "moved")
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    arguments = ["train", "--zoo", str(tmp_path), "--alpha", "0", "--output", str(tmp_path / "zoo")]
    assert main([*arguments, "--device", "cpu"]) == 2
    assert "moved/actors/faces does not exist" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--alpha", "0", "--recipe", "lfw"], "No recipe 'lfw'; choose one of facescrub, celeba"),
        (["--alpha", "0", "--evaluator"], "an evaluator is trained without them"),
        ([], "Give --alpha or a --defence for a target"),
        (["--evaluator"], "--evaluator needs a --recipe"),
        (["--alpha", "0", "--recipe", "celeba", "--data", "nowhere"], "CelebA needs both"),
    ],
)
def test_mistakes_are_one_sentence(
    arguments: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["train", *arguments, "--output", str(tmp_path), "--device", "cpu"]) == 2
    assert message in capsys.readouterr().err
