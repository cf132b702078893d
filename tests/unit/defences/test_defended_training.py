"""Defences within a training: what stays, what moves, and what a zoo keeps."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from mia_demo.commands.training_requests import TrainRequest
from mia_demo.defences.bido import gaussian_kernel, hidden_blocks, hsic, normalised, outputs_of
from mia_demo.defences.registry import DEFENCES, described
from mia_demo.defences.tl_dmi import frozen_layers
from mia_demo.errors import CheckpointError
from mia_demo.models.folding import fold_batch_norms
from mia_demo.recipes.classifiers import classifier_entry
from mia_demo.system.device import Compute
from mia_demo.system.json_files import checked
from mia_demo.training.classifier import (
    ClassifierTrainer,
    LabelledImages,
    predict,
    train_classifier,
)
from mia_demo.training.config import TrainConfig
from mia_demo.zoo.folder import FolderZoo
from mia_demo.zoo.manifest import CheckpointEntry

CONFIG = TrainConfig(
    arguments={"width": 8}, input_size=16, epochs=1, batch_size=8, learning_rate=5e-3
)
OTHERS = [name for name in DEFENCES if name != "label_smoothing"]

State = dict[str, torch.Tensor]


def trained(
    config: TrainConfig, compute: Compute, data: LabelledImages
) -> tuple[State, ClassifierTrainer]:
    """The state before, and the trainer after."""
    trainer = ClassifierTrainer(config.classifier(2), config, compute, data)
    start = {name: tensor.clone() for name, tensor in trainer.network.state_dict().items()}
    list(train_classifier(trainer, None))
    return start, trainer


@pytest.fixture
def plain(compute, coloured_people) -> ClassifierTrainer:
    return trained(CONFIG, compute, coloured_people)[1]


@pytest.mark.parametrize(
    ("name", "off"),
    [
        ("bido", {"input_weight": 0.0, "label_weight": 0.0}),
        ("tl_dmi", {"frozen_share": 0.0}),
        ("ssf", {"skip": 1.0}),
        ("midre", {"least_area": 0.0, "most_area": 0.0}),
    ],
)
def test_at_strength_zero_a_defence_is_plain_training(
    name: str, off: dict[str, float], compute, coloured_people, plain
) -> None:
    config = replace(CONFIG, defence=name, strengths=off)
    _, other = trained(config, compute, coloured_people)
    for key, tensor in plain.network.state_dict().items():
        assert torch.equal(tensor, other.network.state_dict()[key]), key


def test_frozen_layers_stay_with_their_statistics(compute, coloured_people) -> None:
    config = replace(CONFIG, defence="tl_dmi")
    start, trainer = trained(config, compute, coloured_people)
    after = trainer.network.state_dict()
    layers = [m for m in trainer.network.modules() if list(m.parameters(recurse=False))]
    names = {module: name for name, module in trainer.network.named_modules()}
    frozen = [names[layer] for layer in frozen_layers(trainer.network, 0.5)]
    assert len(frozen) == len(layers) // 2
    moved = {key.rpartition(".")[0] for key in start if not torch.equal(start[key], after[key])}
    assert moved == {names[layer] for layer in layers} - set(frozen)
    assert any("running_mean" in key and key.rpartition(".")[0] in frozen for key in start)


def test_bido_lowers_what_hidden_layers_tell_of_pictures(compute, coloured_people) -> None:
    def dependence(strengths: dict[str, float]) -> float:
        config = replace(CONFIG, epochs=4, defence="bido", strengths=strengths)
        _, trainer = trained(config, compute, coloured_people)
        images = coloured_people.images.float() / 127.5 - 1
        with torch.no_grad(), outputs_of(hidden_blocks(trainer.network)) as hidden:
            trainer.network.eval()(images)
        pictures = normalised(gaussian_kernel(images))
        return sum(hsic(normalised(gaussian_kernel(z)), pictures).item() for z in hidden)

    plain = dependence({"input_weight": 0.0, "label_weight": 0.0})
    assert dependence({"input_weight": 1.0, "label_weight": 0.0}) < 0.9 * plain


def test_a_killed_training_with_random_draws_resumes_to_the_same_weights(
    tmp_path: Path, compute, coloured_people
) -> None:
    for name in ("midre", "tl_dmi"):
        config = replace(CONFIG, epochs=2, defence=name)
        _, whole = trained(config, compute, coloured_people)
        killed = ClassifierTrainer(config.classifier(2), config, compute, coloured_people)
        for frame in train_classifier(killed, None, tmp_path / name):
            if frame.step == 5:  # in the middle of the second epoch
                break
        resumed = ClassifierTrainer(config.classifier(2), config, compute, coloured_people)
        list(train_classifier(resumed, None, tmp_path / name))
        for key, tensor in whole.network.state_dict().items():
            assert torch.equal(tensor, resumed.network.state_dict()[key]), (name, key)


@pytest.mark.parametrize("name", OTHERS)
def test_a_zoo_rebuilds_a_defended_network(
    name: str, tmp_path: Path, compute, coloured_people, plain
) -> None:
    config = replace(CONFIG, defence=name)
    _, trainer = trained(config, compute, coloured_people)
    expected = predict(trainer.network, coloured_people.images, compute)
    assert expected.isfinite().all()
    assert not torch.equal(expected, predict(plain.network, coloured_people.images, compute))

    zoo = FolderZoo.create(tmp_path)
    entry = classifier_entry(
        "x", "target", trainer, num_classes=2, train_accuracy=None, test_accuracy=1.0
    )
    zoo.add(entry, trainer.network.network.state_dict(), torch.float32)
    loaded = compute.place(zoo.load_classifier("x"))
    assert torch.equal(predict(loaded, coloured_people.images, compute), expected)
    attacked = compute.place(fold_batch_norms(loaded))  # as attacks see it
    torch.testing.assert_close(
        predict(attacked, coloured_people.images, compute), expected, atol=1e-4, rtol=1e-4
    )
    entry = CheckpointEntry.from_json(zoo.entry("x").to_json())
    assert described(entry.defence, entry.strengths).startswith(DEFENCES[name].title)
    assert checked(TrainConfig, entry.training.recipe) == config


def test_a_manifest_with_an_unknown_defence_is_refused(
    tmp_path: Path, compute, coloured_people
) -> None:
    zoo = FolderZoo.create(tmp_path)
    network = CONFIG.classifier(2).network
    entry = CheckpointEntry.from_json({
        "file": "x.safetensors", "bytes": 0, "sha256": "0" * 64, "name": "x", "kind": "target",
        "architecture": "compact_resnet", "arguments": {"width": 8}, "num_classes": 2,
        "input_size": 16, "defence": "armour",
    })  # fmt: skip
    zoo.add(entry, network.state_dict(), torch.float32)
    with pytest.raises(CheckpointError, match="No defence 'armour'"):
        zoo.load_classifier("x")


def test_the_command_lines_help_names_every_defence() -> None:
    option = TrainRequest.__dataclass_fields__["defence"].metadata["typer"]
    words = option.help.replace(",", " ").split()
    assert set(DEFENCES) <= set(words)
