"""Zoos whose targets differ in one thing: smoothing factor, defence, or seed of their training.

Sweeping many factors gives the privacy-utility curve: what each α costs in test accuracy and how
much it leaks. Sweeping many training seeds shows which differences between lanes are more than the
chance of one training.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from mia_demo.attack.sampling import store_pool
from mia_demo.defences.label_smoothing import LabelSmoothing
from mia_demo.defences.registry import DEFENCES, build_defence
from mia_demo.errors import ConfigError
from mia_demo.recipes.classifiers import ClassifierRequest, make_classifier
from mia_demo.recipes.workshop import Workshop
from mia_demo.smoothing import check_alpha, format_alpha
from mia_demo.sweep.pooling import target_of, training_lane
from mia_demo.system.device import Compute
from mia_demo.system.json_files import checked
from mia_demo.training.classifier import LabelledImages
from mia_demo.training.config import TrainConfig
from mia_demo.zoo.folder import FolderZoo
from mia_demo.zoo.reading import Zoo

ADOPTED_KINDS = (
    "prior", "evaluator", "embedder", "features", "attributes", "pretrained", "student"
)  # fmt: skip
STATES = "states"  # of unfinished trainings, beside the checkpoints


def parse_alphas(text: str) -> list[float]:
    """``-0.1,0,0.1`` -> [-0.1, 0.0, 0.1].

    Raises:
        ConfigError: not numbers, out of range, or a duplicate.
    """
    try:
        alphas = [float(part) for part in text.split(",")]
    except ValueError as error:
        raise ConfigError(f"{text!r} is not a list such as -0.1,0,0.1.") from error
    for alpha in alphas:
        check_alpha(alpha)
    if len(set(alphas)) != len(alphas):
        raise ConfigError(f"{text!r} names a smoothing factor twice; name each once.")
    return alphas


def alpha_variants(source: Zoo, alphas: Sequence[float]) -> dict[str, TrainConfig]:
    """One target per α, trained like those of ``source``, by name."""
    recipe = _recipe_of(source, source.target_names()[0])
    return {f"alpha{format_alpha(alpha)}": replace(recipe, alpha=alpha) for alpha in alphas}


def training_seed_variants(source: Zoo, seeds: Sequence[int]) -> dict[str, TrainConfig]:
    """Every default lane with each seed; lanes that are trainings of one target count once."""
    trainings = {target_of(name): name for name in source.default_lanes()}
    return {
        training_lane(target, seed): replace(_recipe_of(source, name), seed=seed)
        for seed in seeds
        for target, name in trainings.items()
    }


def missing_defences(
    zoo: Zoo, names: Sequence[str], strengths: Mapping[str, Mapping[str, float]]
) -> list[str]:
    """Which of these are defences that no target of the zoo was trained with.

    Args:
        strengths: by defence, those that are not as published.
    """
    targets = zoo.entries("target")
    trained = [build_defence(entry.defence, entry.strengths) for entry in targets]
    others = {entry.name for entry in targets if entry.name not in DEFENCES}
    return [
        name
        for name in names
        if name in DEFENCES
        and name not in others
        and build_defence(name, strengths.get(name, {})) not in trained
    ]


def board_variants(
    source: Zoo,
    defences: Sequence[str],
    seeds: Sequence[int],
    strengths: Mapping[str, Mapping[str, float]],
) -> dict[str, TrainConfig]:
    """What a board has beside the targets of ``source``.

    Args:
        defences: one target for each; all but the defence is as in the plain target.
        seeds: of training; the smoothing factors are trained once more with each.
        strengths: by defence, those that are not as published.

    Raises:
        ConfigError: ``source`` has no target that was trained plainly.
    """
    known = _known_recipes(source).values()
    plain = [c for c in known if not c.alpha and c.defence == LabelSmoothing.name]
    if not plain:
        raise ConfigError("This zoo has no target with α = 0 whose training defences could share.")
    return training_seed_variants(source, seeds) | {
        name: replace(plain[0], defence=name, strengths=dict(strengths.get(name, {})))
        for name in defences
    }


def make_variants(
    source: Zoo,
    configs: Mapping[str, TrainConfig],
    root: Path,
    compute: Compute,
    log: Callable[[str], None],
    *,
    kept: Sequence[str] = (),
) -> FolderZoo:
    """A zoo in ``root`` with these targets; prior, judges and identities are those of ``source``.

    Resumable; targets that ``source`` has already trained with the same settings are adopted.

    Args:
        kept: targets of ``source`` to adopt as they are.
    """
    made = _known_recipes(source)
    zoo = FolderZoo.create(root)
    zoo.adopt_identities(source)
    for kind in ADOPTED_KINDS:
        for entry in source.entries(kind):
            zoo.adopt(source, entry, entry.name)
    for name in kept:
        zoo.adopt(source, source.entry(name), name)
    workshop = Workshop(zoo, compute, root / STATES, log)
    for name, config in configs.items():
        same = next((known for known, recipe in made.items() if recipe == config), None)
        if same:
            zoo.adopt(source, source.entry(same), name)
            continue
        size = config.input_size
        train = LabelledImages(*zoo.split(zoo.identities(), size, "train"))
        test = LabelledImages(*zoo.split(zoo.identities(), size, "test"))
        make_classifier(workshop, ClassifierRequest(name, "target", config, train, test))
    store_pool(zoo, compute)
    return zoo


def _recipe_of(zoo: Zoo, name: str) -> TrainConfig:
    recipe = zoo.entry(name).training.recipe
    if not recipe:
        raise ConfigError(
            f"How {name!r} was trained is not known, as it was converted, so no other target can "
            "be trained like it. Train it with the command train first."
        )
    return checked(TrainConfig, recipe, "recipe")


def _known_recipes(zoo: Zoo) -> dict[str, TrainConfig]:
    """Of the targets that this program has trained."""
    names = [name for name in zoo.target_names() if zoo.entry(name).training.recipe]
    return {name: _recipe_of(zoo, name) for name in names}
