"""The attacks by name, each as changes of a preset, and what they cost in one unit.

The unit is a classifier pass: one picture's way through the classifier under attack, forwards or
back. A gradient step takes two for every view of every candidate, a query takes one.
"""

from dataclasses import replace
from typing import Any

from mia_demo.attack.config import AttackConfig, preset_config
from mia_demo.attack.methods import METHODS
from mia_demo.attack.student import STUDENT_PICTURES
from mia_demo.errors import ConfigError

# From attacks that need the gradient to those that need a label.
ATTACKS: dict[str, dict[str, Any]] = {
    "cross_entropy": {"loss": "cross_entropy"},
    # Knows that logits may be large, and divides them so that the softmax does not saturate.
    "temperature": {"loss": "cross_entropy", "temperature": 100.0},
    "poincare": {"loss": "poincare"},
    "max_margin": {"loss": "max_margin"},
    "logit": {"loss": "logit", "feature_weight": 0.4},
    "paa": {"loss": "cross_entropy", "views": "noise", "copies": 8},
    "taa": {"loss": "cross_entropy", "views": "transforms", "copies": 8},
    "if_gmi": {"loss": "cross_entropy", "method": "if_gmi"},
    "mirror": {"method": "mirror", "candidates": 32, "kept": 4},
    "random": {"method": "random"},
    "student": {"loss": "cross_entropy", "method": "student"},
    "brep_mi": {"method": "brep_mi", "candidates": 4, "kept": 4},
}

TITLES = {
    "cross_entropy": "cross-entropy",
    "temperature": "temperature",
    "poincare": "Poincaré",
    "max_margin": "max-margin",
    "logit": "logit",
    "paa": "PAA",
    "taa": "TAA",
    "if_gmi": "IF-GMI",
    "mirror": "Mirror",
    "random": "random search",
    "student": "student",
    "brep_mi": "BREP-MI",
}
# What tells one attack from another, apart from its effort; a query attack's method is enough.
TELLING = ("loss", "temperature", "views", "copies", "feature_weight")


def attack_name(config: AttackConfig) -> str | None:
    """The named attack that these settings make, whatever their effort; None if they make none."""

    def signature(which: AttackConfig) -> tuple[Any, ...]:
        follows = METHODS[which.method].follows_gradient
        return which.method, *(getattr(which, name) for name in TELLING if follows)

    wanted = signature(config)
    return next((n for n in ATTACKS if signature(named_attack(n, "standard")) == wanted), None)


def attack_words(config: AttackConfig) -> str:
    """How candidates move, in a few words: ``cross-entropy of logits / 20, TAA over 8 copies``."""
    method = METHODS[config.method]
    if not method.follows_gradient:
        return TITLES[config.method]
    words = f"{TITLES[config.loss]} loss"
    if config.feature_weight:
        words += " with public features"
    if config.temperature != 1:
        words += f" of logits / {config.temperature:g}"
    if config.views != "crop":
        words += f", {AVERAGED[config.views]} over {config.copies} copies"
    if config.method != "gradient":
        words += f", {TITLES[config.method]}"
    return words


AVERAGED = {"noise": "PAA", "transforms": "TAA"}


def named_attack(name: str | None, preset: str, **choices: Any) -> AttackConfig:
    """A preset with the changes that make it the attack of this name, and ``choices`` on top.

    Args:
        name: of ``ATTACKS``; without one the preset stays as it is.

    Raises:
        ConfigError: no such attack or preset, or a value out of range.
    """
    if not name:
        return preset_config(preset, **choices)
    if name not in ATTACKS:
        raise ConfigError(f"No attack {name!r}; choose one of {', '.join(ATTACKS)}.")
    return preset_config(preset, **{**ATTACKS[name], **choices})


def classifier_passes(config: AttackConfig) -> dict[str, int]:
    """By stage, the passes of one attack on one identity in one lane.

    Sampling's are shared by all identities, and those of the zoo's targets lie in its pool; so are
    a student's pictures. Its own passes count like the target's.
    """
    method = METHODS[config.method]
    return {
        **({"student": STUDENT_PICTURES} if method.by_student else {}),
        "sampling": 2 * config.pool_size,
        "optimisation": method.first_passes(config) + config.steps * method.passes(config),
        "selection": config.candidates * config.selection_rounds,
    }


def with_budget(config: AttackConfig, passes: int) -> AttackConfig:
    """The same attack with as many steps as so many passes of optimisation allow, at least one."""
    method = METHODS[config.method]
    steps = (passes - method.first_passes(config)) // method.passes(config)
    return replace(config, steps=max(1, steps), preset="custom")
