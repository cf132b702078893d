"""Remakes a zoo from images: targets, evaluator, embedder, attribute heads, prior; resumable.

Order: identities into zip parts, classifiers (fixed epochs), then the prior with the minutes that
are left. A step whose checkpoint exists with the same recipe is skipped; a step that was killed
resumes from its last saved state.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from mia_demo.attack.sampling import store_pool
from mia_demo.attack.student import store_students
from mia_demo.data.identities import IdentitySet
from mia_demo.data.splits import open_public_identities
from mia_demo.defences.label_smoothing import LabelSmoothing
from mia_demo.defences.registry import DEFENCES
from mia_demo.recipes.classifiers import ClassifierRequest, make_classifier
from mia_demo.recipes.model_card import write_model_card
from mia_demo.recipes.pack import pack_identities
from mia_demo.recipes.prior import make_prior
from mia_demo.recipes.public_networks import (
    AttributeNetwork,
    EmbeddingNetwork,
    PretrainedNetwork,
    train_public_network,
)
from mia_demo.recipes.workshop import Workshop
from mia_demo.system.device import Compute
from mia_demo.training.classifier import LabelledImages
from mia_demo.training.config import TrainConfig
from mia_demo.training.initial_weights import PRETRAINED
from mia_demo.training.prior.config import PriorConfig
from mia_demo.zoo.folder import FolderZoo

TARGET_ALPHAS = {"positive": 0.1, "zero": 0.0, "negative": -0.05}
DEFENDED = tuple(name for name in DEFENCES if name != LabelSmoothing.name)


@dataclass(frozen=True)
class ZooRecipe:
    """Settings of the embedded zoo.

    Targets train long at the full smoothing factor, like the paper's: that is when negative
    smoothing drives the logits apart (docs/experiments.md).
    """

    target: TrainConfig = TrainConfig(
        epochs=50,
        batch_size=32,
        learning_rate=1e-3,
        milestones=(0.6, 0.9),
        phases=(0.2, 0.3),
        initial_weights=PRETRAINED,
    )
    defences: Sequence[str] = DEFENDED  # a target each, trained like the plain one otherwise
    pretrained: TrainConfig = TrainConfig(epochs=20, learning_rate=1e-3, seed=99)
    evaluator: TrainConfig = TrainConfig(architecture="compact_densenet", seed=7)
    embedder: TrainConfig = TrainConfig(epochs=30, seed=11)
    features: TrainConfig = TrainConfig(
        arguments={"width": 16, "stem_stride": 1}, epochs=16, seed=23
    )
    attributes: TrainConfig = TrainConfig(arguments={"width": 12}, epochs=8, seed=13)
    prior: PriorConfig = PriorConfig()


def make_zoo(
    data: Path,
    output: Path,
    recipe: ZooRecipe,
    compute: Compute,
    *,
    minutes: float,
    log: Callable[[str], None],
) -> FolderZoo:
    """Makes every checkpoint of a zoo.

    Args:
        data: folder with ``target.zip`` (private) and ``public_*.zip``.
        output: the zoo's folder; states of unfinished steps lie in ``output/../build``.
        minutes: time budget of this sitting. Classifiers take what they need, the prior the rest.

    Raises:
        DataError: images are missing or cannot be read.
    """
    deadline = time.monotonic() + minutes * 60
    zoo = FolderZoo.create(output)
    if not zoo.manifest.identities:
        pack_identities(data / "target.zip", zoo)
    public = open_public_identities(data)
    workshop = Workshop(zoo, compute, output.parent / "build", log)
    train_public_network(workshop, PretrainedNetwork(PRETRAINED, recipe.pretrained, public))
    _make_classifiers(workshop, recipe)
    for name, config in (("embedder", recipe.embedder), ("features", recipe.features)):
        train_public_network(workshop, EmbeddingNetwork(name, config, public))
    make_attributes(workshop, recipe.attributes, public)
    minutes_left = (deadline - time.monotonic()) / 60
    if not make_prior(workshop, recipe.prior, public, minutes=minutes_left):
        log("The prior is not done; run the same command again, and it goes on.")
        return zoo
    store_pool(zoo, compute)
    store_students(zoo, compute, workshop.states / "students")
    write_model_card(zoo)
    return zoo


def _make_classifiers(workshop: Workshop, recipe: ZooRecipe) -> None:
    zoo, size = workshop.zoo, recipe.target.input_size
    identities = zoo.identities()
    train = LabelledImages(*zoo.split(identities, size, "train"))
    test = LabelledImages(*zoo.split(identities, size, "test"))
    wanted = [
        (name, "target", replace(recipe.target, alpha=alpha))
        for name, alpha in TARGET_ALPHAS.items()
    ]
    wanted += [(name, "target", replace(recipe.target, defence=name)) for name in recipe.defences]
    for name, kind, config in (*wanted, ("evaluator", "evaluator", recipe.evaluator)):
        make_classifier(workshop, ClassifierRequest(name, kind, config, train, test))


def make_attributes(workshop: Workshop, config: TrainConfig, public: IdentitySet) -> None:
    """A set without ground truth makes no heads."""
    if public.attributes:
        train_public_network(workshop, AttributeNetwork("attributes", config, public))
    else:
        workshop.log("attributes: left out, the public identities have no identities.json")
