"""The paper's training settings, initial weights, and the auxiliary head."""

from __future__ import annotations

from collections import namedtuple
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from mia_demo.errors import CheckpointError, ConfigError
from mia_demo.models.classifiers import build_classifier
from mia_demo.smoothing import alpha_at_epoch, smoothing_loss
from mia_demo.system.device import Compute
from mia_demo.training.classifier import ClassifierTrainer, LabelledImages
from mia_demo.training.config import TrainConfig
from mia_demo.training.initial_weights import load_initial_weights
from mia_demo.training.recipes import RECIPES, differences_from_paper

Heads = namedtuple("Heads", ["logits", "aux_logits"])


@pytest.mark.parametrize("name", ["facescrub", "celeba"])
def test_targets_train_as_in_the_reference_code(name: str) -> None:
    target = replace(RECIPES[name].target, alpha=-0.05)
    assert (target.architecture, target.input_size, target.initial_weights) == (
        "resnet152", 224, "imagenet",
    )  # fmt: skip
    assert (target.epochs, target.batch_size, target.seed) == (100, 128, 42)
    rates = [target.learning_rate_at(epoch) for epoch in (0, 74, 75, 89, 90, 99)]
    assert rates == pytest.approx([1e-3, 1e-3, 1e-4, 1e-4, 1e-5, 1e-5])
    alphas = {e: alpha_at_epoch(-0.05, e, 100, target.phases) for e in (49, 50, 51, 60, 74, 75)}
    assert alphas == pytest.approx(
        {49: 0, 50: -0.001, 51: -0.002, 60: -0.011, 74: -0.025, 75: -0.05}
    )


def test_evaluators_train_as_in_the_reference_code() -> None:
    facescrub, celeba = RECIPES["facescrub"].evaluator, RECIPES["celeba"].evaluator
    assert (facescrub.architecture, facescrub.input_size, facescrub.alpha) == (
        "inception_v3", 299, 0.0,
    )  # fmt: skip
    assert [facescrub.learning_rate_at(e) for e in (79, 80, 99)] == [1e-3, 1e-4, 1e-4]
    assert celeba.learning_rate_at(75) == pytest.approx(1e-4)
    with torch.device("meta"):
        network = facescrub.classifier(530).network
    assert network.AuxLogits.fc.out_features == network.fc.out_features == 530
    assert network.transform_input is False


def test_a_training_says_how_it_differs_from_the_papers(compute: Compute) -> None:
    paper = RECIPES["facescrub"].target
    assert not any(
        "instead of" in phrase for phrase in differences_from_paper(paper, paper, compute)
    )
    short = replace(paper, epochs=2, initial_weights="random", alpha=-0.05)
    told = differences_from_paper(short, paper, Compute(compute.device, torch.bfloat16))
    assert told[:3] == [
        "epochs 2 instead of 100",
        "initial_weights random instead of imagenet",
        "convolutions in bf16 instead of fp32",
    ]


class TwoHeads(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(12, 3), nn.Linear(12, 3)

    def forward(self, images: Tensor) -> Heads:
        flat = images.flatten(1)
        return Heads(self.first(flat), self.second(flat))


def test_the_auxiliary_head_counts_fully(compute: Compute) -> None:
    network = TwoHeads()
    images = torch.randint(0, 256, (4, 3, 2, 2), generator=torch.Generator().manual_seed(0))
    data = LabelledImages(images.to(torch.uint8), torch.tensor([0, 1, 2, 0]))
    trainer = ClassifierTrainer(network, TrainConfig(epochs=1, batch_size=4), compute, data)
    trainer.transform = lambda batch, rng: batch.float() / 255
    expected = 0.0
    for head in (network.first, network.second):
        logits = head(images.float().flatten(1) / 255)
        expected += smoothing_loss(logits, data.labels, 0.0).item()
    (frame,) = trainer.train_epoch()
    assert frame.loss == pytest.approx(expected, rel=1e-5)


def test_initial_weights_of_a_file_leave_out_a_head_of_other_size(tmp_path: Path) -> None:
    torch.manual_seed(1)
    source = build_classifier("resnet18", 5, 32).network.state_dict()
    save_file(source, tmp_path / "source.safetensors")
    network = build_classifier("resnet18", 7, 32).network
    path = str(tmp_path / "source.safetensors")
    assert load_initial_weights(network, "resnet18", path) == ["fc.bias", "fc.weight"]
    assert torch.equal(network.state_dict()["conv1.weight"], source["conv1.weight"])
    same = build_classifier("resnet18", 5, 32).network
    assert load_initial_weights(same, "resnet18", path) == []  # CelebA keeps ImageNet's head
    assert torch.equal(same.fc.weight, source["fc.weight"])


def test_initial_weights_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    save_file({"conv1.weight": torch.zeros(1)}, tmp_path / "other.safetensors")
    network = build_classifier("resnet18", 5, 32).network
    with pytest.raises(CheckpointError, match="does not fit resnet18"):
        load_initial_weights(network, "resnet18", str(tmp_path / "other.safetensors"))
    with pytest.raises(CheckpointError, match="not a readable safetensors"):
        load_initial_weights(network, "resnet18", str(tmp_path / "nothing.safetensors"))
    with pytest.raises(ConfigError, match="no ImageNet weights for compact_resnet"):
        load_initial_weights(network, "compact_resnet", "imagenet")
