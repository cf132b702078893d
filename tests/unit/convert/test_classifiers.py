"""Checkpoints of the paper's reference code: the same logits come out of the converted ones."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
import torchvision
from torch import Tensor, nn

from mia_demo.cli import main
from mia_demo.convert.classifiers import find_classifier
from mia_demo.convert.state_dicts import find_state_dict
from mia_demo.errors import ConversionError
from mia_demo.ui.boards.attack_view import ready_board
from mia_demo.visitors.own_people import People
from mia_demo.zoo.folder import FolderZoo
from mia_demo.zoo.layers import LayeredZoo
from mia_demo.zoo.opening import open_zoo
from mia_demo.zoo.own_folder import OwnFolder


def wrapped(network: nn.Module, prefix: str) -> dict[str, Tensor]:
    return {prefix + key: tensor for key, tensor in network.state_dict().items()}


def network(architecture: str, num_classes: int, **options: Any) -> nn.Module:
    """A torchvision network with another head, as the reference code makes it."""
    torch.manual_seed(0)
    made = torchvision.models.get_model(architecture, weights=None, **options)
    head = "classifier" if architecture.startswith("densenet") else "fc"
    setattr(made, head, nn.Linear(getattr(made, head).in_features, num_classes))
    return made.eval()


def convert(capsys: pytest.CaptureFixture[str], source: Path, *more: str) -> dict[str, Any]:
    arguments = ["convert", str(source), "--output", str(source.parent / "zoo"), "--json"]
    assert main([*arguments, *more]) == 0
    return json.loads(capsys.readouterr().out)


def refusal(capsys: pytest.CaptureFixture[str], source: Path, *more: str) -> str:
    assert main(["convert", str(source), "--output", str(source.parent / "zoo"), *more]) == 2
    assert not (source.parent / "zoo").exists()
    return capsys.readouterr().err


@pytest.fixture(scope="module")
def resnet18() -> nn.Module:
    return network("resnet18", 11)


@pytest.fixture
def checkpoint(tmp_path: Path, resnet18: nn.Module) -> Path:
    path = tmp_path / "resnet18_facescrub.pt"
    torch.save(wrapped(resnet18, "model."), path)
    return path


@pytest.mark.parametrize("kind", ["release", "training", "bare"])
def test_every_layout_of_the_reference_code_gives_the_same_logits(
    capsys, tmp_path: Path, resnet18: nn.Module, kind: str
) -> None:
    path = tmp_path / "resnet18_facescrub.pth"
    optimizer = torch.optim.Adam(resnet18.parameters())
    content: dict[str, Any] = {
        "release": wrapped(resnet18, "model."),
        "training": {
            "epoch": 99,
            "model_state_dict": wrapped(resnet18, "model._orig_mod."),
            "optimizer_state_dict": optimizer.state_dict(),
        },
        "bare": resnet18.state_dict(),
    }[kind]
    torch.save(content, path)
    report = convert(capsys, path, "--alpha", "-0.05", "--input-size", "64")
    assert (report["kind"], report["architecture"], report["num_classes"]) == (
        "target", "resnet18", 11,
    )  # fmt: skip
    assert report["parameters"] == sum(p.numel() for p in resnet18.parameters())
    assert (report["alpha"], report["input_size"]) == (-0.05, 64)
    assert report["test_accuracy"] is None
    zoo = FolderZoo(tmp_path / "zoo")
    assert zoo.target_names() == ["resnet18_facescrub"]
    images = torch.randn(2, 3, 64, 64)
    got = zoo.load_classifier("resnet18_facescrub")(images)
    torch.testing.assert_close(got, resnet18(images))


@pytest.mark.parametrize(("architecture", "size"), [("densenet121", 64), ("inception_v3", 96)])
def test_evaluators_of_other_families_give_the_same_logits(
    capsys, tmp_path: Path, architecture: str, size: int
) -> None:
    options = {"init_weights": False} if architecture == "inception_v3" else {}
    original = network(architecture, 7, **options)  # Inception with its second head of 1000
    path = tmp_path / f"{architecture}.pt"
    torch.save(wrapped(original, "model."), path)
    report = convert(capsys, path, "--kind", "evaluator", "--name", "evaluator")
    assert (report["kind"], report["architecture"]) == ("evaluator", architecture)
    assert report["input_size"] == (299 if architecture == "inception_v3" else 224)
    converted = FolderZoo(tmp_path / "zoo").load_classifier("evaluator")
    images = torch.randn(1, 3, size, size)
    torch.testing.assert_close(converted.network(images), original(images))


@pytest.mark.parametrize(
    "architecture",
    ["resnet18", "resnet50", "resnet101", "resnet152", "resnext50_32x4d", "resnext101_32x8d",
     "densenet121", "densenet161", "densenet169", "densenet201", "inception_v3"],
)  # fmt: skip
def test_names_and_shapes_tell_the_architecture(architecture: str) -> None:
    options = {"init_weights": False} if architecture == "inception_v3" else {}
    with torch.device("meta"):
        state = wrapped(network(architecture, 530, **options), "model._orig_mod.")
    found = find_classifier(find_state_dict(state, "x.pt"), None, "x.pt")
    assert (found.architecture, found.num_classes) == (architecture, 530)


def test_what_the_file_does_not_tell_is_asked_for(capsys, tmp_path: Path, checkpoint: Path) -> None:
    assert "Say with --alpha" in refusal(capsys, checkpoint)
    alpha = ("--alpha", "0")
    wrong = refusal(capsys, checkpoint, *alpha, "--architecture", "resnet50")
    assert "does not fit resnet50 with 11 classes: it lacks" in wrong
    assert "No architecture 'resnet17'" in refusal(
        capsys, checkpoint, *alpha, "--architecture", "resnet17"
    )
    assert "at most 1" in refusal(capsys, checkpoint, "--alpha", "2")
    assert "target or evaluator" in refusal(capsys, checkpoint, "--kind", "prior")
    assert "32..1024" in refusal(capsys, checkpoint, *alpha, "--input-size", "9")
    names = tmp_path / "names.txt"
    names.write_text("Ada\nBob\n")
    assert "names 2 classes; the network has 11" in refusal(
        capsys, checkpoint, *alpha, "--class-names", str(names)
    )


def test_class_names_and_origin_are_kept(capsys, tmp_path: Path, checkpoint: Path) -> None:
    names = tmp_path / "names.txt"
    people = [f"Person {number}" for number in range(11)]
    names.write_text("\n".join(people) + "\n")
    arguments = ("--alpha", "0.1", "--architecture", "resnet18", "--class-names", str(names))
    report = convert(capsys, checkpoint, *arguments)
    training = FolderZoo(tmp_path / "zoo").entry("resnet18_facescrub").training
    assert training.class_names == people
    assert training.converted_from["sha256"] == report["source_sha256"]
    assert "MIT" in report["licence"]


def test_an_unmeasured_accuracy_is_shown_as_such(capsys, tmp_path: Path, checkpoint: Path) -> None:
    zoo = tmp_path / "zoo"
    assert main(["convert", str(checkpoint), "--output", str(zoo), "--alpha", "0"]) == 0
    captured = capsys.readouterr()
    assert "test_accuracy: not measured" in captured.out
    assert "licence: The paper's reference code is under the MIT licence" in captured.err
    layered = LayeredZoo(FolderZoo(zoo), OwnFolder(zoo / "own"))
    people = People(zoo=layered, identities=open_zoo().identities())
    board = ready_board(people, 0, ("resnet18_facescrub",))
    assert board.lanes[0].accuracy_text == "test accuracy not measured"


def test_other_networks_are_refused(capsys, tmp_path: Path, resnet18: nn.Module) -> None:
    path = tmp_path / "other.pt"
    torch.save(nn.Linear(2, 2).state_dict(), path)
    assert "no linear head" in refusal(capsys, path)
    torch.save(wrapped(resnet18, "model.") | {"model.extra": torch.zeros(1)}, path)
    assert "fits none of torchvision's" in refusal(capsys, path, "--alpha", "0")
    torch.save({"epoch": 3, "model": "resnet"}, path)
    assert "epoch is not a tensor" in refusal(capsys, path)
    torch.save([torch.zeros(1)], path)
    assert "holds no state_dict" in refusal(capsys, path)
    assert "Cannot read" in refusal(capsys, tmp_path / "missing.pt")


class SplitAttention(nn.Module):
    """ResNeSt's convolution, which ResNet's blocks do not have."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(64, 128, 3, groups=2)
        self.fc1 = nn.Conv2d(64, 32, 1)


def test_networks_that_no_option_helps_are_not_told_one(capsys, tmp_path: Path) -> None:
    path = tmp_path / "resnest.pt"
    resnest = network("resnet50", 11)
    for block in resnest.layer1:
        block.conv2 = SplitAttention()
    torch.save(resnest.state_dict(), path)
    told = refusal(capsys, path, "--alpha", "0")
    assert "convert takes no other classifiers" in told
    assert "--architecture" not in told


def test_a_network_of_other_sizes_is_compared_with_the_nearest(capsys, tmp_path: Path) -> None:
    path = tmp_path / "grey.pt"
    grey = network("resnet34", 11)
    grey.conv1 = nn.Conv2d(1, 64, 7, bias=False)
    torch.save(grey.state_dict(), path)
    told = refusal(capsys, path, "--alpha", "0")
    assert "does not fit resnet34 with 11 classes: it has another shape at conv1.weight" in told


def test_the_head_decides_the_classes_even_under_a_stated_architecture() -> None:
    with torch.device("meta"):
        state = network("resnet18", 530).state_dict()
        state["fc.bias"] = torch.zeros(529)
    with pytest.raises(ConversionError, match=r"another shape at fc\.bias"):
        find_classifier(state, "resnet18", "x.pt")
