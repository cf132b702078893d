"""Settings of an attack and their presets."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, get_type_hints

from mia_demo.attack.losses import LOSSES
from mia_demo.attack.views import ALTERATIONS
from mia_demo.errors import ConfigError

# What each setting is called, its least and its greatest value. The greatest are far above the
# paper's: they keep a slip, or malice, from blocking a machine for days.
ATTACK_LIMITS: dict[str, tuple[str, float, float]] = {
    "identity": ("The identity", 0, 10_000_000),
    "seed": ("The seed", -(2**63), 2**63 - 1),
    "pool_size": ("The pool size", 1, 1_000_000),
    "candidates": ("Candidates", 1, 10_000),
    "steps": ("Steps", 1, 5000),
    "batch_size": ("The batch size", 1, 10_000),
    "kept": ("Kept results", 1, 10_000),
    "selection_rounds": ("Selection rounds", 1, 10_000),
    "crop_scale": ("The crop scale", 0.1, 1),
    "temperature": ("The temperature", 0.001, 1e6),
    "copies": ("Copies", 1, 1000),
    "feature_weight": ("The weight of the features", 0, 1e6),
}

# Keys of ``methods.METHODS``, which knows what they do.
METHOD_NAMES = ("gradient", "if_gmi", "student", "random", "brep_mi", "mirror")


@dataclass(frozen=True)
class AttackConfig:
    """Plug & Play Attack (Struppek et al., ICML 2022) with the settings of its reference code.

    Defaults are those of the ``standard`` preset.
    """

    identity: int = 0
    lanes: tuple[str, ...] = ("positive", "zero", "negative")
    seed: int = 0
    preset: str = "standard"  # "custom" once a knob differs from its preset

    # Stage 1, sampling: where the search starts.
    pool_size: int = 2000  # styles drawn from the prior; the best ones become candidates
    truncation_psi: float = 0.5  # 0 = only the mean face, 1 = the prior's full variety
    candidates: int = 10  # styles optimised for each lane

    # Stage 2, optimisation: how the candidates move.
    steps: int = 50
    learning_rate: float = 0.01  # of Adam, in w
    adam_beta: float = 0.1  # both betas: nearly no memory, every step follows its own gradient
    # Cross-entropy, as in the paper's 2-D example and in most attacks; Plug & Play's own Poincare
    # loss, made against vanishing gradients, gets past much of the shield here (docs/results.md).
    loss: str = "cross_entropy"
    # Random crops keep at least this share of the picture's area. With the paper's 0.9, positive
    # smoothing differs less from none here (docs/experiments.md); ``paper`` keeps it.
    crop_scale: float = 0.8
    method: str = "gradient"  # how candidates move, one of METHOD_NAMES; see ``methods``
    temperature: float = 1.0  # logits are divided by it before the loss
    views: str = "crop"  # what the classifier is asked about, one of ALTERATIONS
    copies: int = 1  # altered copies of a picture whose gradients are averaged
    feature_weight: float = 0.0  # of the regulariser that LOMMA adds to the logit loss
    batch_size: int = 32  # candidates of a lane optimised together; more wait their turn

    # Stage 3, selection: which results are kept.
    kept: int = 5
    selection_rounds: int = 32  # random views a candidate must convince its classifier in

    def __post_init__(self) -> None:
        _require(bool(self.lanes), "An attack needs at least one lane; name one, such as zero.")
        _require(len(set(self.lanes)) == len(self.lanes), "A lane is named twice; name it once.")
        for name, (words, low, high) in ATTACK_LIMITS.items():
            value = getattr(self, name)
            _require(low <= value <= high, f"{words} must lie in {low}..{high}, not {value}.")
        _require(
            self.candidates <= self.pool_size,
            f"{self.candidates} candidates need a pool of at least as many styles; "
            f"raise the pool size above {self.pool_size}.",
        )
        _require(
            self.kept <= self.candidates,
            f"Kept results must lie in 1..{self.candidates} (the candidates), not {self.kept}.",
        )
        _require(
            0 < self.learning_rate <= 1,
            f"The learning rate must lie above 0 and up to 1, not {self.learning_rate}.",
        )
        _require(
            0 <= self.adam_beta < 1, f"Beta must be at least 0 and below 1, not {self.adam_beta}."
        )
        _require(
            0 < self.truncation_psi <= 1.5,
            f"Truncation must lie above 0 and up to 1.5, not {self.truncation_psi}.",
        )
        known = {"loss": LOSSES, "method": METHOD_NAMES, "views": ALTERATIONS}
        for name, choices in known.items():
            value = getattr(self, name)
            _require(value in choices, f"No {name} {value!r}; choose one of {', '.join(choices)}.")
        _require(
            self.copies == 1 or self.views != "crop",
            "Copies of one crop are equal; choose noise or transforms as views.",
        )

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "lanes": list(self.lanes)}


PRESETS: dict[str, dict[str, Any]] = {
    "quick": {"pool_size": 200, "candidates": 8, "kept": 4, "steps": 40, "selection_rounds": 16},
    "standard": {},
    # FaceScrub settings of the reference code (configs/attacking/FaceScrub_FFHQ.yaml). Its crop of
    # FFHQ, 800 of 1024 px, comes with the data: see ``framing``.
    "paper": {
        "candidates": 200,
        "kept": 50,
        "steps": 50,
        "learning_rate": 0.005,
        "loss": "poincare",
        "crop_scale": 0.9,
        "batch_size": 25,
        "selection_rounds": 100,
    },
}


def preset_config(preset: str, **choices: Any) -> AttackConfig:
    """The preset's settings with ``choices`` on top.

    Raises:
        ConfigError: unknown preset, or a value out of range.
    """
    if preset not in PRESETS:
        raise ConfigError(f"No preset {preset!r}; choose one of {', '.join(PRESETS)}.")
    base = AttackConfig(preset=preset, **PRESETS[preset])
    chosen = replace(base, **choices)
    neutral = {name: getattr(base, name) for name in ("identity", "lanes", "seed")}
    if replace(chosen, **neutral) != base:
        chosen = replace(chosen, preset="custom")
    return chosen


def parse_knobs(assignments: Sequence[str]) -> dict[str, Any]:
    """``["steps=2", "loss=logit"]`` -> {"steps": 2, "loss": "logit"}, for ``preset_config``.

    Raises:
        ConfigError: no such knob, a knob twice, or a value of the wrong type.
    """
    types = get_type_hints(AttackConfig)
    for chosen_elsewhere in ("identity", "lanes", "seed", "preset"):
        del types[chosen_elsewhere]
    knobs: dict[str, Any] = {}
    for assignment in assignments:
        name, _, text = assignment.partition("=")
        if name not in types:
            raise ConfigError(
                f"No setting {name!r}; write KEY=VALUE with one of {', '.join(types)}."
            )
        if name in knobs:
            raise ConfigError(f"Setting {name} is given twice; give it once.")
        try:
            knobs[name] = types[name](text)
        except ValueError as error:
            kind = {int: "a whole number", float: "a number"}[types[name]]
            raise ConfigError(f"Setting {name} must be {kind}, not {text!r}.") from error
    return knobs


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise ConfigError(message)
