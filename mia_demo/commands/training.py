"""``train`` and ``use-data``: a classifier, and the identities it learns."""

from __future__ import annotations

import argparse
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from mia_demo.commands.output import log
from mia_demo.data.layouts import FFHQ_CROP, SPLIT_SEED, open_layout
from mia_demo.data.splits import first_of_each
from mia_demo.errors import ConfigError, DeviceError
from mia_demo.recipes.classifiers import ClassifierRequest, make_classifier
from mia_demo.recipes.workshop import Workshop
from mia_demo.system.device import Compute, choose_compute
from mia_demo.system.memory import is_out_of_memory
from mia_demo.training.classifier import LabelledImages, TrainConfig
from mia_demo.training.initial_weights import PRETRAINED
from mia_demo.training.recipes import RECIPES, differences
from mia_demo.zoo.folder import Zoo, open_folder
from mia_demo.zoo.manifest import IdentityFolder
from mia_demo.zoo.opening import open_zoo


def train(options: argparse.Namespace) -> dict[str, Any]:
    compute = choose_compute(options.device)
    config, differs = _training(options, compute)
    output = Zoo.create(options.output)
    if config.initial_weights == PRETRAINED:
        start = open_zoo(options.zoo)
        output.adopt(start, start.entry(PRETRAINED), PRETRAINED)
    if options.data:
        layout = options.layout or options.recipe or "folders"
        if layout == "folders":
            data = open_layout(layout, options.data, options.seed)
        else:
            # One split for all trainings and for later attacks on this zoo, whatever their seeds.
            known = output.manifest.folder
            seed = known.seed if known else SPLIT_SEED
            data = open_folder(_remember_folder(output, options.data, layout, seed, None))
        identities, train_items, test_items = data.identities, data.train, data.test
    else:
        source = open_zoo(options.zoo)
        identities = source.identities()
        items = source.split_items(identities)
        train_items, test_items = items["train"], items["test"]
    if options.photos is not None:
        train_items = first_of_each(train_items, options.photos)
    log(f"reading {len(train_items) + len(test_items)} pictures of {len(identities)} identities")
    train_set = LabelledImages(*identities.items(config.input_size, train_items))
    test_set = LabelledImages(*identities.items(config.input_size, test_items))
    kind = "evaluator" if options.evaluator else "target"
    name = "evaluator" if options.evaluator else f"alpha{options.alpha:+g}"
    workshop = Workshop(output, compute, options.output / "state", log)
    try:
        make_classifier(workshop, ClassifierRequest(name, kind, config, train_set, test_set))
    except RuntimeError as error:
        if not is_out_of_memory(error):
            raise
        raise DeviceError(
            f"A batch of {config.batch_size} pictures does not fit the device; give a smaller "
            "--batch-size."
        ) from error
    entry = output.entry(name)
    return {
        "alpha": config.alpha,
        "test_accuracy": entry.test_accuracy,
        "train_accuracy": entry.train_accuracy,
        "epochs": config.epochs,
        "seconds": entry.training.seconds,
        "checkpoint": str(options.output / entry.stored.file),
        **differs,
    }


def use_data(options: argparse.Namespace) -> dict[str, Any]:
    output = Zoo.create(options.output)
    folder = _remember_folder(output, options.data, options.layout, options.seed, options.crop)
    data = open_folder(folder)
    return {
        "zoo": str(options.output),
        **asdict(folder),
        "identities": len(data.identities),
        "train_images": len(data.train),
        "test_images": len(data.test),
    }


def _remember_folder(
    zoo: Zoo, data: Path, layout: str, seed: int, crop: float | None
) -> IdentityFolder:
    """Tells the zoo where its identities lie; without a crop an earlier one is kept."""
    if crop is None:
        known = zoo.manifest.folder
        crop = known.crop if known else FFHQ_CROP.get(layout, 1.0)
    folder = IdentityFolder(str(data.resolve()), layout, seed, crop)
    open_folder(folder)  # complains before anything is written
    zoo.set_folder(folder)
    return folder


def _training(
    options: argparse.Namespace, compute: Compute
) -> tuple[TrainConfig, dict[str, list[str]]]:
    """The settings of a training, and with a recipe how they differ from the paper's."""
    if (options.alpha is None) != options.evaluator:
        raise ConfigError("Give --alpha for a target; an evaluator is trained without one.")
    chosen = {
        name: value
        for name in (
            *("alpha", "architecture", "input_size", "epochs", "batch_size"),
            "learning_rate",
        )
        if (value := getattr(options, name)) is not None
    }
    for name in ("milestones", "phases"):
        if (shares := getattr(options, name)) is not None:
            chosen[name] = tuple(shares)
    chosen |= {name: getattr(options, name) for name in ("seed", "initial_weights", "augmentation")}
    if not options.recipe:
        if options.evaluator:
            raise ConfigError("--evaluator needs a --recipe, facescrub or celeba.")
        return TrainConfig(**chosen), {}
    if options.recipe not in RECIPES:
        raise ConfigError(f"No recipe {options.recipe!r}; choose one of {', '.join(RECIPES)}.")
    recipe = RECIPES[options.recipe]
    paper = recipe.evaluator if options.evaluator else recipe.target
    if chosen.get("architecture", paper.architecture) != paper.architecture:
        chosen["arguments"] = {}  # the paper's are Inception's
    config = replace(paper, **chosen)
    differs = differences(config, paper, compute)
    log(f"other than in the paper: {'; '.join(differs)}")
    return config, {"differs": differs}
