"""A zoo of many smoothing factors: the same recipe, seed and data, only α differs.

Sweeping it gives the privacy-utility curve: what each α costs in test accuracy and what it gives
away to the attack.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from mia_demo.attack.sampling import store_pool
from mia_demo.device import Compute
from mia_demo.errors import ConfigError
from mia_demo.make_zoo import Log, make_classifier
from mia_demo.smoothing import check_alpha, format_alpha
from mia_demo.training.classifier import LabelledImages, TrainConfig
from mia_demo.zoo import Zoo

SHARED_KINDS = ("prior", "evaluator", "embedder", "attributes")
STATES = "states"  # of unfinished trainings, beside the checkpoints


def parse_alphas(text: str) -> list[float]:
    """``-0.1,0,0.1`` -> [-0.1, 0.0, 0.1].

    Raises:
        ConfigError: not numbers, out of range, or one twice.
    """
    try:
        alphas = [float(part) for part in text.split(",")]
    except ValueError as error:
        raise ConfigError(f"{text!r} is no list such as -0.1,0,0.1.") from error
    for alpha in alphas:
        check_alpha(alpha)
    if len(set(alphas)) != len(alphas):
        raise ConfigError(f"{text!r} names a smoothing factor twice; name each once.")
    return alphas


def lane_of(alpha: float) -> str:
    """Name of the target with this smoothing factor."""
    return f"alpha{format_alpha(alpha)}"


def make_alpha_zoo(
    source: Zoo, alphas: Sequence[float], root: Path, compute: Compute, log: Log
) -> Zoo:
    """A zoo in ``root`` with a target for each α; resumable.

    Prior, judges and identities are those of ``source``, and the recipe is that of its targets,
    whose checkpoints are taken over where their α is asked for.
    """
    known = {entry.alpha: entry for entry in source.entries("target")}
    template = next(iter(known.values()))
    recipe = TrainConfig.from_json(template.training["recipe"])
    zoo = Zoo.create(root)
    zoo.adopt_identities(source)
    for kind in SHARED_KINDS:
        for entry in source.entries(kind):
            zoo.adopt(source, entry, entry.name)
    train = LabelledImages(*zoo.split(zoo.identities(), recipe.input_size, "train"))
    test = LabelledImages(*zoo.split(zoo.identities(), recipe.input_size, "test"))
    for alpha in alphas:
        name = lane_of(alpha)
        made = known.get(alpha)
        if made and made.training["recipe"] == replace(recipe, alpha=alpha).to_json():
            zoo.adopt(source, made, name)
        else:
            config = replace(recipe, alpha=alpha)
            make_classifier(zoo, name, "target", config, train, test, compute, root / STATES, log)
    store_pool(zoo, compute)
    return zoo
