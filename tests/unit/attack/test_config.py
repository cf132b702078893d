"""Attack settings: presets, and one clear sentence for each mistake."""

from __future__ import annotations

import pytest

from mia_demo.attack.config import AttackConfig, parse_knobs, preset_config
from mia_demo.errors import ConfigError


def test_presets_carry_the_visitors_choices() -> None:
    config = preset_config("quick", identity=7, lanes=("zero",), seed=3)
    assert (config.identity, config.lanes, config.seed) == (7, ("zero",), 3)
    assert config.preset == "quick"
    assert preset_config("quick", steps=3).preset == "custom"


def test_the_paper_preset_has_the_reference_settings() -> None:
    config = preset_config("paper")
    assert (config.pool_size, config.candidates, config.kept) == (2000, 200, 50)
    assert (config.steps, config.learning_rate, config.adam_beta) == (50, 0.005, 0.1)
    assert (config.truncation_psi, config.crop_scale) == (0.5, 0.9)
    assert (config.batch_size, config.selection_rounds, config.loss) == (25, 100, "poincare")


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"identity": -1}, "identity must lie in 0"),
        ({"lanes": ()}, "at least one lane"),
        ({"lanes": ("zero", "zero")}, "named twice"),
        ({"candidates": 0}, "Candidates must lie in 1"),
        ({"candidates": 3000}, "raise the pool size"),
        ({"kept": 99}, "Kept results"),
        ({"steps": 0}, "Steps must lie"),
        ({"learning_rate": 0.0}, "learning rate"),
        ({"truncation_psi": 0.0}, "Truncation"),
        ({"crop_scale": 0.0}, "crop scale"),
        ({"adam_beta": 1.0}, "Beta"),
        ({"loss": "hinge"}, "No loss 'hinge'"),
        ({"batch_size": 0}, "batch size"),
        ({"selection_rounds": 0}, "Selection rounds must lie in 1"),
        ({"selection_rounds": 2_000_000_000}, "Selection rounds must lie in 1..10000"),
        ({"pool_size": 10**9}, "pool size must lie in"),
        ({"candidates": 10**9, "pool_size": 10**9}, "must lie in"),
        ({"steps": 10**9}, "Steps must lie in 1..5000"),
        ({"batch_size": 10**9}, "batch size must lie in"),
        ({"identity": 10**12}, "identity must lie in"),
        ({"seed": 2**63}, "seed must lie in"),
    ],
)
def test_mistakes_are_named(wrong: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        AttackConfig(**wrong)  # type: ignore[arg-type]


def test_knobs_are_read_by_type_and_make_a_preset_custom() -> None:
    knobs = parse_knobs(["steps=2", "learning_rate=0.005", "loss=cross_entropy"])
    assert knobs == {"steps": 2, "learning_rate": 0.005, "loss": "cross_entropy"}
    assert preset_config("quick", **knobs).preset == "custom"
    # What the preset says already changes nothing.
    assert preset_config("quick", **parse_knobs(["steps=40"])).preset == "quick"


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (["speed=2"], "No setting 'speed'; write KEY=VALUE with one of pool_size, "),
        (["steps"], "Setting steps must be a whole number, not ''"),
        (["steps=2.5"], "Setting steps must be a whole number, not '2.5'"),
        (["learning_rate=fast"], "Setting learning_rate must be a number"),
        (["steps=2", "steps=3"], "given twice"),
        (["identity=2"], "No setting 'identity'"),  # has an option of its own
    ],
)
def test_knobs_that_do_not_exist_or_fit(wrong: list[str], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        parse_knobs(wrong)


def test_unknown_preset() -> None:
    with pytest.raises(ConfigError, match="No preset 'turbo'"):
        preset_config("turbo")
