"""Every named attack against random search, and what is particular to each."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from mia_demo.attack import student
from mia_demo.attack.attack import Attacker
from mia_demo.attack.config import METHOD_NAMES, PRESETS, AttackConfig
from mia_demo.attack.head_features import public_features
from mia_demo.attack.losses import LOSSES
from mia_demo.attack.methods import GRADIENT, LABEL, METHODS
from mia_demo.attack.named import (
    ATTACKS,
    attack_name,
    attack_words,
    classifier_passes,
    named_attack,
    with_budget,
)
from mia_demo.attack.queries import RandomSearch
from mia_demo.attack.sampling import POOL_PSI, POOL_STYLES, Pool, pool_subset, sample_styles
from mia_demo.attack.views import noisy_copies, transformed_copies
from mia_demo.commands.requests import AttackRequest
from mia_demo.errors import ConfigError
from tests.tiny_zoo import COMPUTE, PEOPLE, make_tiny_zoo

BUDGET = 660


def needs(name: str) -> str:
    return METHODS[named_attack(name, "quick").method].needs


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Attacker:
    """Random networks say the same of every picture; this ``zero`` parts the prior's faces."""
    folder = tmp_path_factory.mktemp("zoo")
    attacker = Attacker(make_tiny_zoo(folder), COMPUTE, students=folder / "students")
    lane = attacker.lane("zero")
    styles = sample_styles(attacker.generator, POOL_STYLES, POOL_PSI)
    _, (seen,) = attacker.renderer.render(styles[:300], [lane])
    with torch.no_grad():
        features = lane.classifier.features(seen)
        directions = torch.linalg.svd(features - features.mean(dim=0)).Vh[:PEOPLE]
        spread = ((features - features.mean(dim=0)) @ directions.T).std(dim=0)
        weight = 2 * directions / spread[:, None]
        head = lane.classifier.network.fc
        head.weight.copy_(weight)
        head.bias.copy_(-(weight @ features.mean(dim=0)))
    attacker.pools.put(POOL_PSI, Pool(styles, {}))
    return attacker


def attack(tiny: Attacker, config: AttackConfig) -> float:
    """Mean over identities of the robust confidence in the best reconstruction."""
    *_, last = tiny.run_group(config, range(PEOPLE), every=1000)
    return sum(frame.lanes[0].confidences[0] for frame in last) / PEOPLE


def config_of(name: str, budget: int = BUDGET, **changes: int) -> AttackConfig:
    small = {"candidates": 4, "kept": 2, "pool_size": 40, "selection_rounds": 8}
    if "copies" in ATTACKS[name]:
        small["copies"] = 2
    config = named_attack(name, "quick", lanes=("zero",), **{**small, **changes})
    return with_budget(config, budget)


@pytest.fixture(scope="module")
def random_search(tiny: Attacker) -> float:
    return attack(tiny, config_of("random"))


@pytest.mark.parametrize("name", [name for name in ATTACKS if needs(name) == GRADIENT])
def test_every_attack_beats_random_search_at_equal_budget(
    tiny: Attacker, name: str, random_search: float
) -> None:
    assert BUDGET / 2 < classifier_passes(config_of(name))["optimisation"] <= BUDGET
    assert attack(tiny, config_of(name)) > random_search


@pytest.mark.parametrize(
    "choice", [*({"loss": loss} for loss in LOSSES), *({"method": name} for name in METHODS)]
)
def test_every_loss_and_method_can_be_put_into_words(choice: dict[str, str]) -> None:
    assert attack_words(AttackConfig(**choice))


def test_genes_beat_random_search_in_what_both_ask_for(tiny: Attacker) -> None:
    """Whole pictures: neither looks at the crops that the selection asks about."""

    def confidence(name: str) -> float:
        *_, last = tiny.run_group(config_of(name, candidates=16), range(PEOPLE), every=1000)
        styles = torch.stack([torch.from_numpy(frame.lanes[0].styles) for frame in last])
        asked = RandomSearch(
            *(tiny.renderer, [tiny.lane("zero")], range(PEOPLE), styles, AttackConfig()),
            prior=styles[0],
        )
        return asked.known.confidences.mean().item()

    assert confidence("mirror") > confidence("random")


def test_labels_alone_beat_random_search_with_labels_alone(
    tiny: Attacker, monkeypatch: pytest.MonkeyPatch
) -> None:
    control = replace(METHODS["random"], needs=LABEL)
    monkeypatch.setitem(METHODS, "random", control)
    brep, random = (
        config_of(name, 2 * BUDGET, candidates=2, selection_rounds=32)
        for name in ("brep_mi", "random")
    )
    assert attack(tiny, brep) > attack(tiny, random)


@pytest.fixture
def quick_lessons(monkeypatch: pytest.MonkeyPatch) -> None:
    """Students that learn little, in a second."""
    recipe = replace(student.STUDENT_RECIPE, arguments={"width": 8}, epochs=4)
    monkeypatch.setattr(student, "STUDENT_PICTURES", 400)
    monkeypatch.setattr(student, "STUDENT_RECIPE", recipe)


@pytest.mark.usefixtures("quick_lessons")
def test_a_student_that_knows_labels_alone_beats_random_search_with_labels_alone(
    tiny: Attacker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(METHODS, "random", replace(METHODS["random"], needs=LABEL))
    found = attack(tiny, config_of("student"))
    assert found > attack(tiny, config_of("random"))
    taught = tiny.student("zero")
    assert taught.classifier is not tiny.lane("zero").classifier
    attack(tiny, config_of("student"))
    assert tiny.student("zero") is taught  # once for a target
    (state,) = tiny.student_folder("zero").iterdir()
    written = state.stat().st_mtime_ns
    other = Attacker(tiny.zoo, COMPUTE, students=tiny.student_folder("zero").parent)
    for _ in other.teach("zero"):  # as in another process
        pass
    assert state.stat().st_mtime_ns == written  # taught already
    networks = (lane.classifier.parameters() for lane in (taught, other.student("zero")))
    assert all(torch.equal(one, two) for one, two in zip(*networks, strict=True))


@pytest.mark.usefixtures("quick_lessons")
def test_a_student_that_comes_with_the_zoo_is_not_taught_again(tmp_path: Path) -> None:
    zoo = make_tiny_zoo(tmp_path)
    student.store_students(zoo, COMPUTE, tmp_path / "states")
    assert [entry.name for entry in zoo.entries("student")] == [
        "student_positive", "student_zero", "student_negative"
    ]  # fmt: skip
    assert zoo.target_names() == ["positive", "zero", "negative"]  # nobody attacks it by name
    files = [entry.stored for entry in zoo.entries("student")]
    student.store_students(zoo, COMPUTE, tmp_path / "states")
    assert [entry.stored for entry in zoo.entries("student")] == files
    attacker = Attacker(zoo, COMPUTE)
    first = next(attacker.run(config_of("student")))
    assert first.lanes  # nothing comes before the pictures to start from

    zoo.adopt(zoo, replace(zoo.entry("evaluator"), kind="target"), "zero")
    assert student.stored_student(zoo, "zero") is None  # another target taught it


@pytest.mark.parametrize("name", ["taa", "mirror", "brep_mi"])
def test_an_attack_repeats_to_the_bit_and_lanes_share_its_draws(tiny: Attacker, name: str) -> None:
    config = replace(config_of(name, candidates=2), steps=2, lanes=("zero", "zero>zero>zero"))
    # The first attack of all looks at the pool first.
    one, two = ([frame for frame in tiny.run(config) if frame.lanes] for _ in range(2))
    assert [frame.stage for frame in one] == [
        "sampling", "optimisation", "optimisation", "selection", "done"
    ]  # fmt: skip
    for first, second in zip(one, two, strict=True):
        for lane, again in zip(first.lanes, second.lanes, strict=True):
            assert np.array_equal(lane.images, again.images)
            assert lane.confidences == again.confidences
        assert first.lanes[0].confidences == pytest.approx(first.lanes[1].confidences)


def test_noise_and_transforms_are_what_the_paper_says() -> None:
    rng = torch.Generator().manual_seed(0)
    grey = torch.zeros(2, 3, 32, 32)
    noisy = noisy_copies(32, 1.0, 40, rng)(grey).unflatten(0, (40, 2))
    assert torch.equal(noisy[:, 0], noisy[:, 1])  # one draw serves all candidates
    assert noisy.std().item() == pytest.approx(0.1, rel=0.02)  # 5 % of -1..1
    ramp = torch.linspace(-1, 1, 32).expand(1, 3, 32, 32)
    views = transformed_copies(32, 1.0, 200, rng)(ramp)
    across = views[:, 0, 16, 20] - views[:, 0, 16, 12]  # slope along a row
    down = views[:, 0, 20, 16] - views[:, 0, 12, 16]
    assert 0.3 < (across < 0).float().mean() < 0.7  # mirrored or not
    degrees = torch.atan2(down.abs(), across.abs()).rad2deg()
    assert 4 < degrees.max() <= 5.6  # stretched by a tenth at most, turned by five degrees


def test_the_features_of_the_logit_attack_come_closer_to_public_ones(tiny: Attacker) -> None:
    lane = tiny.lane("zero")
    *_, pool = tiny.pools.get([lane], POOL_PSI, pool_subset(40, 0))
    public = public_features(tiny.renderer, lane, pool.styles[pool_subset(40, 0)])

    def distance(weight: float) -> float:
        *_, last = tiny.run(replace(config_of("logit"), feature_weight=weight), every=1000)
        _, (seen,) = tiny.renderer.render(torch.from_numpy(last.lanes[0].styles), [lane])
        return (lane.classifier.features(seen) - public).square().mean().item()

    assert distance(1e6) < 0.7 * distance(0.0)


def test_features_are_those_of_ones_own_candidates_whatever_other_threads_ask(
    tiny: Attacker,
) -> None:
    config = replace(config_of("logit"), candidates=5, steps=2, feature_weight=10.0)
    before, losses = torch.get_num_threads(), {}
    for threads in (1, 2):
        torch.set_num_threads(threads)
        try:
            frames = list(tiny.run(config))
        finally:
            torch.set_num_threads(before)
        losses[threads] = [f.lanes[0].loss for f in frames if f.stage == "optimisation"]
    assert losses[2] == pytest.approx(losses[1], rel=1e-4)


def test_passes_are_counted_by_stage() -> None:
    config = named_attack("taa", "quick")
    assert classifier_passes(config) == {
        "sampling": 2 * 200,
        "optimisation": 2 * 8 * 40 * 8,
        "selection": 8 * 16,
    }
    budget = with_budget(named_attack("brep_mi", "quick"), 1000)
    assert classifier_passes(budget)["optimisation"] == 4 + 7 * 4 * 33


def test_names_agree_wherever_they_are_listed() -> None:
    assert set(METHODS) == set(METHOD_NAMES)
    words = AttackRequest.__dataclass_fields__["attack"].metadata["typer"].help
    assert set(ATTACKS) <= set(words.replace(",", " ").split())
    with pytest.raises(ConfigError, match="No attack 'magic'; choose one of cross_entropy"):
        named_attack("magic", "quick")
    with pytest.raises(ConfigError, match="Copies of one crop are equal"):
        named_attack("cross_entropy", "quick", copies=2)


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_is_known_by_its_settings_whatever_the_effort(name: str, preset: str) -> None:
    config = named_attack(name, preset)
    assert attack_name(config) == name
    assert attack_name(with_budget(config, 5000)) == name
    assert attack_name(replace(config, temperature=20.0, loss="logit")) in (
        None if METHODS[config.method].follows_gradient else name,
    )


def test_words_say_what_candidates_follow() -> None:
    def words(name: str, **changes: float) -> str:
        return attack_words(named_attack(name, "quick", **changes))

    assert words("cross_entropy") == "cross-entropy loss"
    assert words("temperature", temperature=20) == "cross-entropy loss of logits / 20"
    assert words("taa") == "cross-entropy loss, TAA over 8 copies"
    assert words("logit") == "logit loss with public features"
    assert words("student") == "cross-entropy loss, student"
    assert words("brep_mi") == "BREP-MI"
