"""``train`` and ``use-data``: a classifier, and the identities it learns."""

from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any

from mia_demo.commands.output import log_line
from mia_demo.commands.training_requests import TrainRequest, UseDataRequest
from mia_demo.data.layouts import FFHQ_CROP, REFERENCE_SPLIT_SEED, SplitSet, open_layout
from mia_demo.data.splits import first_items
from mia_demo.defences.label_smoothing import LabelSmoothing
from mia_demo.defences.registry import parse_strengths
from mia_demo.errors import ConfigError, DeviceError
from mia_demo.recipes.classifiers import ClassifierRequest, make_classifier
from mia_demo.recipes.workshop import Workshop
from mia_demo.system.device import choose_compute
from mia_demo.system.files import writing_to
from mia_demo.system.memory import is_out_of_memory
from mia_demo.training.classifier import LabelledImages
from mia_demo.training.config import TrainConfig
from mia_demo.training.initial_weights import PRETRAINED
from mia_demo.training.recipes import RECIPES, differences_from_paper
from mia_demo.zoo.folder import FolderZoo
from mia_demo.zoo.identity_folder import IdentityFolder, open_folder
from mia_demo.zoo.opening import open_zoo


def answer_train(request: TrainRequest) -> dict[str, Any]:
    compute = choose_compute(request.device)
    paper = _paper_config(request)
    config = _config(request, paper)
    differs = {}
    if paper:
        differs["differs"] = differences_from_paper(config, paper, compute)
        log_line(f"other than in the paper: {'; '.join(differs['differs'])}")
    output = FolderZoo.create(request.output)
    if config.initial_weights == PRETRAINED:
        start = open_zoo(request.zoo)
        output.adopt(start, start.entry(PRETRAINED), PRETRAINED)
    kind = "evaluator" if request.evaluator else "target"
    name = "evaluator" if request.evaluator else _target_name(config)
    images = _images(request, config.input_size, output)
    workshop = Workshop(output, compute, request.output / "state", log_line)
    try:
        with writing_to(request.output):
            make_classifier(workshop, ClassifierRequest(name, kind, config, *images))
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
        "defence": config.defence,
        "strengths": config.strengths,
        "test_accuracy": entry.test_accuracy,
        "train_accuracy": entry.train_accuracy,
        "epochs": config.epochs,
        "seconds": entry.training.seconds,
        "checkpoint": str(request.output / entry.stored.file),
        **differs,
    }


def _target_name(config: TrainConfig) -> str:
    """``alpha-0.05``, ``midre``, or ``midre-alpha-0.05``."""
    alpha = f"alpha{config.alpha:+g}"
    if config.defence == LabelSmoothing.name:
        return alpha
    return f"{config.defence}-{alpha}" if config.alpha else config.defence


def _paper_config(request: TrainRequest) -> TrainConfig | None:
    """The paper's settings, if a recipe is asked for."""
    is_target = request.alpha is not None or request.defence != LabelSmoothing.name
    if is_target == request.evaluator:
        raise ConfigError(
            "Give --alpha or a --defence for a target; an evaluator is trained without them."
        )
    if not request.recipe:
        if request.evaluator:
            raise ConfigError("--evaluator needs a --recipe, facescrub or celeba.")
        return None
    if request.recipe not in RECIPES:
        raise ConfigError(f"No recipe {request.recipe!r}; choose one of {', '.join(RECIPES)}.")
    recipe = RECIPES[request.recipe]
    return recipe.evaluator if request.evaluator else recipe.target


def _config(request: TrainRequest, paper: TrainConfig | None) -> TrainConfig:
    """What is asked for, and for the rest the paper's settings or the usual ones."""
    asked = {field.name: getattr(request, field.name, None) for field in fields(TrainConfig)}
    asked["milestones"] = tuple(request.milestones or ()) or None
    asked["strengths"] = parse_strengths(request.strengths or [])
    chosen = {name: value for name, value in asked.items() if value is not None}
    if paper and chosen.get("architecture", paper.architecture) != paper.architecture:
        chosen["arguments"] = {}  # the paper's are Inception's
    return replace(paper or TrainConfig(), **chosen)


def _images(
    request: TrainRequest, size: int, output: FolderZoo
) -> tuple[LabelledImages, LabelledImages]:
    """Images to train on and to test on."""
    data = _split_set(request, output)
    train = data.train
    if request.photos is not None:
        train = first_items(train, request.photos)
    pictures, people = len(train) + len(data.test), len(data.identities)
    log_line(f"reading {pictures} pictures of {people} identities")
    return (
        LabelledImages(*data.identities.items(size, train)),
        LabelledImages(*data.identities.items(size, data.test)),
    )


def _split_set(request: TrainRequest, output: FolderZoo) -> SplitSet:
    if not request.data:
        source = open_zoo(request.zoo)
        identities = source.identities()
        items = source.split_items(identities)
        return SplitSet(identities, items["train"], items["test"])
    layout = request.layout or request.recipe or "folders"
    if layout == "folders":
        return open_layout(layout, request.data, request.seed)
    # One split for all trainings and for later attacks on this zoo, whatever their seeds.
    known = output.manifest.folder
    seed = known.seed if known else REFERENCE_SPLIT_SEED
    return open_folder(_remember_folder(output, request.data, layout, seed))


def answer_use_data(request: UseDataRequest) -> dict[str, Any]:
    output = FolderZoo.create(request.output)
    folder = _remember_folder(output, request.data, request.layout, request.seed, request.crop)
    data = open_folder(folder)
    return {
        "zoo": str(request.output),
        **asdict(folder),
        "identities": len(data.identities),
        "train_images": len(data.train),
        "test_images": len(data.test),
    }


def _remember_folder(
    zoo: FolderZoo, data: Path, layout: str, seed: int, crop: float | None = None
) -> IdentityFolder:
    """Tells the zoo where its identities lie; without a crop an earlier one is kept."""
    if crop is None:
        known = zoo.manifest.folder
        crop = known.crop if known else FFHQ_CROP.get(layout, 1.0)
    folder = IdentityFolder(str(data.resolve()), layout, seed, crop)
    open_folder(folder)  # complains before anything is written
    zoo.set_folder(folder)
    return folder
