"""A whole zoo from images, in small: made once, resumed without work, attackable at the end."""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mia_demo.attack import student
from mia_demo.attack.attack import Attacker
from mia_demo.attack.config import preset_config
from mia_demo.errors import ConfigError, DataError
from mia_demo.recipes.make_zoo import ZooRecipe, make_zoo
from mia_demo.recipes.variants import (
    alpha_variants,
    board_variants,
    make_variants,
    missing_defences,
    parse_alphas,
    training_seed_variants,
)
from mia_demo.sweep.judging import Judge
from mia_demo.system.device import Compute
from mia_demo.training.config import TrainConfig
from mia_demo.training.prior.config import PriorConfig
from mia_demo.zoo.accuracy import AccuracyMeter
from mia_demo.zoo.folder import FolderZoo
from mia_demo.zoo.reading import Zoo

SMALL = TrainConfig(arguments={"width": 8}, input_size=32, epochs=1, batch_size=32)
RECIPE = ZooRecipe(
    target=replace(SMALL, initial_weights="pretrained"),
    defences=("midre",),
    pretrained=SMALL,
    evaluator=replace(SMALL, architecture="compact_densenet", arguments={"growth_rate": 4}),
    embedder=SMALL,
    features=SMALL,
    attributes=SMALL,
    prior=PriorConfig(
        resolution=32, latent_dim=8, channel_base=128, channel_max=8, mapping_layers=2,
        autoencoder_kimg=0.04, mapping_steps=2, restoration_kimg=0.032, distillation_kimg=0.024,
    ),
)  # fmt: skip

PARAMETERS = {
    "sex": "female", "age": 0.3, "ancestry": [0.2, 0.5, 0.3], "hair_style": "long01",
    "hair_rgb_linear": [0.2, 0.05, 0.01], "beard": 0.0,
}  # fmt: skip


def write_set(path: Path, identities: int, images: int, first: int = 0) -> None:
    rng = np.random.default_rng(first)
    with zipfile.ZipFile(path, "w") as archive:
        truth = {f"{number:04d}": PARAMETERS for number in range(first, first + identities)}
        archive.writestr("identities.json", json.dumps(truth))
        for identity in range(first, first + identities):
            for index in range(images):
                buffer = io.BytesIO()
                pixels = rng.integers(0, 255, (32, 32, 3), dtype=np.uint8)
                Image.fromarray(pixels).save(buffer, format="PNG")
                archive.writestr(f"{identity:04d}/{index:03d}.png", buffer.getvalue())


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    write_set(folder / "target.zip", identities=3, images=50)
    write_set(folder / "public_0.zip", identities=10, images=4, first=100)
    write_set(folder / "public_1.zip", identities=10, images=4, first=200)
    return folder


@pytest.fixture(scope="module", autouse=True)
def quick_lessons() -> Iterator[None]:
    """Students that learn little, and pools with few styles: in no time."""
    with pytest.MonkeyPatch.context() as changed:
        for user in ("sampling", "student", "attack"):
            changed.setattr(f"mia_demo.attack.{user}.POOL_STYLES", 300)  # an attack draws 200
        changed.setattr(student, "STUDENT_PICTURES", 64)
        recipe = replace(student.STUDENT_RECIPE, arguments={"width": 8}, epochs=1)
        changed.setattr(student, "STUDENT_RECIPE", recipe)
        yield


@pytest.fixture(scope="module")
def made(data: Path, tmp_path_factory: pytest.TempPathFactory, compute: Compute) -> Zoo:
    output = tmp_path_factory.mktemp("made") / "zoo"
    lines: list[str] = []
    unfinished = make_zoo(data, output, RECIPE, compute, minutes=0, log=lines.append)
    assert lines[-1] == "The prior is not done; run the same command again, and it goes on."
    assert "prior" not in [entry.name for entry in unfinished.manifest.checkpoints]
    return make_zoo(data, output, RECIPE, compute, minutes=5, log=lambda line: None)


def test_everything_is_in_the_manifest_and_on_the_card(made: Zoo) -> None:
    kinds = {entry.name: entry.kind for entry in made.manifest.checkpoints}
    assert kinds == {
        "positive": "target", "zero": "target", "negative": "target", "midre": "target",
        "evaluator": "evaluator",
        "embedder": "embedder", "features": "features", "attributes": "attributes",
        "pretrained": "pretrained", "prior": "prior", "pool": "pool",
        "student_positive": "student", "student_zero": "student", "student_negative": "student",
        "student_midre": "student",
    }  # fmt: skip
    card = (made.root / "README.md").read_text()
    assert "| negative | target | compact_resnet | -0.05 |" in card
    # All have the same hair style, so guessing is always right.
    assert re.search(r"hair style \d+\.\d% \(100\.0%\)", card)
    assert {path.name for path in made.root.iterdir()} == {
        "manifest.json", "README.md", *(f"{name}.safetensors" for name in kinds),
        *(part.file for part in made.manifest.identities),
    }  # fmt: skip


def test_a_target_of_another_defence_is_attacked_by_name(made: Zoo, compute: Compute) -> None:
    assert made.target_names() == ["positive", "zero", "negative", "midre"]
    assert made.default_lanes() == ["positive", "zero", "negative"]
    assert not {"midre"} & made.entry("pool").training.made_with.keys()
    config = preset_config("quick", identity=1, steps=1, candidates=2, kept=2, lanes=("midre",))
    *_, frame = Attacker(made, compute).run(config)
    assert frame.lanes[0].name == "midre"
    assert AccuracyMeter(made, compute).measure("midre").measured == (
        made.entry("midre").test_accuracy
    )


def test_a_made_zoo_can_be_attacked_and_judged(made: Zoo, compute: Compute) -> None:
    config = preset_config("quick", identity=2, steps=1, candidates=2, kept=2)
    *_, frame = Attacker(made, compute).run(config)
    verdict = Judge(made, compute).judge(frame.lanes[0].images, 2)
    assert len(verdict.top1) == 2


def test_the_same_command_again_trains_nothing(made: Zoo, data: Path, compute: Compute) -> None:
    before = {entry.name: entry.stored.sha256 for entry in made.manifest.checkpoints}
    lines: list[str] = []
    again = make_zoo(data, made.root, RECIPE, compute, minutes=5, log=lines.append)
    assert {entry.name: entry.stored.sha256 for entry in again.manifest.checkpoints} == before
    assert not lines


def test_missing_data_is_named(tmp_path: Path, compute: Compute) -> None:
    with pytest.raises(DataError, match=r"target\.zip does not exist"):
        make_zoo(tmp_path, tmp_path / "zoo", RECIPE, compute, minutes=1, log=print)


def test_a_zoo_of_smoothing_factors_takes_over_what_it_can(
    made: Zoo, tmp_path: Path, compute: Compute
) -> None:
    made = FolderZoo(made.root)  # as it is on disk by now
    lines: list[str] = []
    alphas = [0.0, 0.3]
    variants = alpha_variants(made, alphas)
    zoo = make_variants(made, variants, tmp_path / "zoo", compute, lines.append)
    assert zoo.target_names() == ["alpha+0.3", "alpha0"]
    assert zoo.entry("alpha0").stored.sha256 == made.entry("zero").stored.sha256
    assert zoo.entry("alpha+0.3").training.recipe == {
        **made.entry("zero").training.recipe,
        "alpha": 0.3,
    }
    assert {line.split(":")[0] for line in lines} == {"alpha+0.3"}
    lines.clear()
    make_variants(made, variants, tmp_path / "zoo", compute, lines.append)
    assert not lines  # resumed: nothing is trained again
    config = preset_config(
        "quick", identity=2, lanes=("alpha+0.3", "alpha0"), steps=1, candidates=2, kept=2
    )
    *_, frame = Attacker(zoo, compute).run(config)
    assert [lane.alpha for lane in frame.lanes] == [0.3, 0.0]


def test_a_zoo_of_defences_trains_those_that_are_missing(
    made: Zoo, tmp_path: Path, compute: Compute
) -> None:
    made = FolderZoo(made.root)
    own = {"midre": {"most_area": 0.3}}
    names = ["zero", "label_smoothing", "midre", "nobody"]
    assert not missing_defences(made, names, {})
    missing = missing_defences(made, names, own)
    assert missing == ["midre"]  # at this strength
    lines: list[str] = []
    variants = board_variants(made, missing, [8], own)
    kept = made.target_names()
    zoo = make_variants(made, variants, tmp_path / "zoo", compute, lines.append, kept=kept)
    again = [f"{name}@8" for name in made.default_lanes()]
    assert set(zoo.target_names()) == {*made.target_names(), "midre", *again}
    assert {line.split(":")[0] for line in lines} == {"midre", *again}
    plain = made.entry("zero").training.recipe
    assert zoo.entry("midre").training.recipe == {
        **plain, "defence": "midre", "strengths": {"least_area": 0.1, "most_area": 0.3}
    }  # fmt: skip
    assert not missing_defences(zoo, missing, own)


def test_a_zoo_of_training_seeds_repeats_every_target(
    made: Zoo, tmp_path: Path, compute: Compute
) -> None:
    made = FolderZoo(made.root)
    lines: list[str] = []
    own_seed = made.entry("zero").seed
    variants = training_seed_variants(made, [own_seed, own_seed + 1])
    zoo = make_variants(made, variants, tmp_path / "zoo", compute, lines.append)
    again = f"zero@{own_seed + 1}"
    assert zoo.entry(f"zero@{own_seed}").stored.sha256 == made.entry("zero").stored.sha256
    assert zoo.entry(again).stored.sha256 != made.entry("zero").stored.sha256
    assert zoo.entry(again).alpha == 0
    assert {line.split(":")[0] for line in lines} == {
        f"{name}@{own_seed + 1}" for name in made.default_lanes()
    }
    assert FolderZoo(zoo.root).target_names() == zoo.target_names()  # a sweep that goes on opens it
    # Of such a zoo every target still counts once.
    variants = training_seed_variants(zoo, [own_seed])
    further = make_variants(zoo, variants, tmp_path / "further", compute, lines.append)
    assert further.target_names() == [f"{name}@{own_seed}" for name in made.default_lanes()]


def test_lists_of_smoothing_factors() -> None:
    assert parse_alphas("-0.1,0,0.2") == [-0.1, 0.0, 0.2]
    for wrong, message in (("a", "not a list"), ("0,0", "twice"), ("1.5", "at most 1")):
        with pytest.raises(ConfigError, match=message):
            parse_alphas(wrong)
