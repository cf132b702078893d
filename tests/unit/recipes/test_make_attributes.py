"""The heads' step of make-zoo: learns, never sees held-out identities, is not done twice."""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from mia_demo.data.identities import IdentitySet, open_identity_set
from mia_demo.errors import CheckpointError, DataError
from mia_demo.models.attributes import NUM_LOGITS, attribute_loss
from mia_demo.recipes.make_zoo import ZooRecipe, make_attributes
from mia_demo.recipes.workshop import Workshop
from mia_demo.system.device import Compute
from mia_demo.training.attributes import SofteningTransform, attribute_recipe
from mia_demo.training.config import TrainConfig
from mia_demo.zoo.folder import FolderZoo
from mia_demo.zoo.reading import Zoo

CONFIG = TrainConfig(arguments={"width": 8}, input_size=16, epochs=6, batch_size=16, seed=3)


def write_people(path: Path, *, held_out_seed: int = 0, truth: bool = True) -> IdentitySet:
    """Twenty identities; women are bright, men dark. Number 9 and 19 are held out."""
    attributes = {}
    with zipfile.ZipFile(path, "w") as archive:
        for person in range(20):
            seed = person + (1000 * held_out_seed if person % 10 == 9 else 0)
            rng = np.random.default_rng(seed)
            woman = person % 2 == 0 if person < 10 else person % 2 == 1
            for index in range(6):
                pixels = rng.integers(0, 80, (16, 16, 3), dtype=np.uint8) + 150 * woman
                buffer = io.BytesIO()
                Image.fromarray(pixels.astype(np.uint8)).save(buffer, format="PNG")
                archive.writestr(f"{person:02d}/{index}.png", buffer.getvalue())
            attributes[f"{person:02d}"] = {
                "sex": "female" if woman else "male", "age": 0.1, "ancestry": [1, 0, 0],
                "hair_style": "none", "hair_rgb_linear": [0, 0, 0], "beard": 0.0,
            }  # fmt: skip
        if truth:
            archive.writestr("identities.json", json.dumps(attributes))
    return open_identity_set(path)


def make(zoo: Zoo, people: IdentitySet, compute: Compute, work: Path, config=CONFIG) -> list[str]:
    lines: list[str] = []
    make_attributes(Workshop(zoo, compute, work, lines.append), config, people)
    return lines


def test_heads_learn_and_their_accuracy_is_that_of_strangers(
    tmp_path: Path, compute: Compute
) -> None:
    zoo = FolderZoo.create(tmp_path / "zoo")
    make(zoo, write_people(tmp_path / "people.zip"), compute, tmp_path / "work")
    entry = zoo.entry("attributes")
    assert (entry.num_classes, entry.epochs) == (NUM_LOGITS, 6)
    assert entry.training.identities == 18
    assert entry.training.held_out_identities == 2
    assert entry.training.held_out_accuracy["sex"] == 1.0
    assert entry.training.held_out_base_rate["sex"] == 0.5  # one woman, one man
    assert entry.training.held_out_accuracy["hair colour"] is None  # everybody is bald
    assert entry.test_accuracy == pytest.approx(1.0)
    assert zoo.load_attribute_heads().num_classes == NUM_LOGITS


def test_held_out_identities_leave_no_trace_in_the_weights(
    tmp_path: Path, compute: Compute
) -> None:
    hashes = set()
    config = replace(CONFIG, epochs=1)
    for seed in (0, 1):
        zoo = FolderZoo.create(tmp_path / f"zoo{seed}")
        people = write_people(tmp_path / f"people{seed}.zip", held_out_seed=seed)
        make(zoo, people, compute, tmp_path / f"work{seed}", config)
        hashes.add(zoo.entry("attributes").stored.sha256)
    assert len(hashes) == 1


def test_the_step_is_done_once_a_recipe(tmp_path: Path, compute: Compute) -> None:
    zoo, people = FolderZoo.create(tmp_path / "zoo"), write_people(tmp_path / "people.zip")
    config = replace(CONFIG, epochs=1)
    assert make(zoo, people, compute, tmp_path / "work", config)
    sha256 = zoo.entry("attributes").stored.sha256
    assert make(FolderZoo(zoo.root), people, compute, tmp_path / "work", config) == []
    # A killed step goes on from its state: the last epoch was saved, so none is trained again.
    (zoo.root / "manifest.json").unlink()
    again = FolderZoo.create(zoo.root)
    (line,) = make(again, people, compute, tmp_path / "work", config)
    assert "held-out" in line
    assert again.entry("attributes").stored.sha256 == sha256
    # Another recipe makes other heads, and never out of the old one's state.
    other = replace(config, seed=4)
    with pytest.raises(CheckpointError, match="other settings"):
        make(again, people, compute, tmp_path / "work", other)
    make(again, people, compute, tmp_path / "fresh", other)
    assert again.entry("attributes").stored.sha256 != sha256


def test_the_embedded_heads_are_what_make_zoo_makes(zoo: Zoo) -> None:
    assert zoo.is_made("attributes", attribute_recipe(ZooRecipe().attributes))


def test_public_images_without_ground_truth_make_no_heads(tmp_path: Path, compute: Compute) -> None:
    zoo = FolderZoo.create(tmp_path / "zoo")
    people = write_people(tmp_path / "people.zip", truth=False)
    (line,) = make(zoo, people, compute, tmp_path / "work")
    assert "left out" in line
    assert zoo.entries("attributes") == []


def test_wrong_ground_truth_is_named_before_any_training(tmp_path: Path, compute: Compute) -> None:
    people = write_people(tmp_path / "people.zip")
    people.attributes["07"]["sex"] = "?"
    with pytest.raises(DataError, match="identity '07'"):
        make(FolderZoo.create(tmp_path / "zoo"), people, compute, tmp_path / "work")


def test_loss_by_hand_ignores_what_does_not_apply() -> None:
    logits = torch.zeros(2, NUM_LOGITS)  # every head undecided: log of its number of values
    truth = torch.tensor([[0, 1, 4, 0, 0, 2], [1, 1, 5, -1, 1, 0]])
    sizes = torch.tensor([2, 3, 11, 5, 2, 3]).log()
    expected = sizes.sum() - sizes[3] / 2
    assert attribute_loss(logits, truth).item() == pytest.approx(expected.item())
    nobody = torch.full((2, 6), -1)
    assert attribute_loss(logits, nobody).item() == 0


def test_softening_keeps_colours_and_repeats_with_its_seed() -> None:
    grey_red = torch.tensor([160, 80, 80], dtype=torch.uint8).reshape(1, 3, 1, 1)
    images = grey_red.expand(4, 3, 16, 16).contiguous()
    transform = SofteningTransform(16)
    once = transform(images, torch.Generator().manual_seed(1))
    assert torch.equal(once, transform(images, torch.Generator().manual_seed(1)))
    assert once.shape == (4, 3, 16, 16)
    assert torch.allclose(once[:, 1], once[:, 2])  # no hue is turned: green and blue stay equal
    assert (once[:, 0] > once[:, 1]).all()
