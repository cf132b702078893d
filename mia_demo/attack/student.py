"""Student transfer: the gradient of a copy that was taught by labels alone.

The idea of LOKT (Nguyen et al., "Label-Only Model Inversion Attacks via Knowledge Transfer",
NeurIPS 2023), without its own generator: N pictures of the prior get the target's label, one query
each; a student learns them; then Plug & Play attacks the student. A mask over the target's gradient
is not copied with its labels.

    student = argmin mean over n of CE(s(G(w_n)), argmax f(G(w_n)))

A student serves every attack on its target; those of the embedded zoo's targets come with it.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import torch

from mia_demo.attack.lanes import Lane
from mia_demo.attack.renderer import Renderer
from mia_demo.attack.sampling import POOL_NAME, POOL_PSI, POOL_STYLES, Pool, PoolCache
from mia_demo.data.transforms import to_uint8
from mia_demo.models.classifiers import Classifier
from mia_demo.models.folding import fold_batch_norms, with_weights_in
from mia_demo.system.device import Compute
from mia_demo.system.tensor_files import round_as_kept
from mia_demo.training.classifier import (
    ClassifierTrainer,
    LabelledImages,
    accuracy,
    train_classifier,
)
from mia_demo.training.config import TrainConfig
from mia_demo.zoo.folder import FolderZoo
from mia_demo.zoo.manifest import UNSTORED, CheckpointEntry
from mia_demo.zoo.reading import Zoo
from mia_demo.zoo.training_record import TrainingRecord

STUDENT_PICTURES = POOL_STYLES  # the whole pool: its labels are known
STUDENT_RECIPE = TrainConfig(arguments={"width": 16}, epochs=10, seed=5)
RENDERED_AT_ONCE = 500


def teach_student(
    renderer: Renderer, lane: Lane, pool: Pool, folder: Path | None
) -> Iterator[Classifier | float]:
    """Yields progress in 0..1, and the student last.

    Args:
        pool: with the target's confidences in all styles, of which the labels are used.
        folder: where its training is kept, to go on there; None keeps nothing.
    """
    target = lane.classifier
    config = _recipe(target.input_size)
    styles = pool.styles[:STUDENT_PICTURES]
    labels = pool.confidences[lane.name][:STUDENT_PICTURES].argmax(dim=1)
    pictures = [
        to_uint8(renderer.render(part, [lane])[1][0]).cpu()
        for part in styles.split(RENDERED_AT_ONCE)
    ]
    student = config.classifier(target.num_classes)
    seen = LabelledImages(torch.cat(pictures), labels)
    # The folder names target and prior; the pictures themselves differ by device and precision.
    trainer = ClassifierTrainer(student, config, renderer.compute, seen, data=POOL_NAME)
    for frame in train_classifier(trainer, None, folder):
        yield frame.step / frame.total_steps
    yield student


def in_place_of(lane: Lane, student: Classifier, compute: Compute) -> Lane:
    """The lane with the student as target."""
    frozen = compute.place(fold_batch_norms(student))
    return replace(lane, classifier=frozen, attacked=with_weights_in(frozen, compute.dtype))


def stored_student(zoo: Zoo, name: str) -> Classifier | None:
    """The student that came with the zoo, if target, prior and recipe are still the same."""
    taught_by = _taught_by(zoo, name)
    recipe = _recipe(zoo.entry(name).input_size).to_json()
    for entry in zoo.entries("student"):
        if entry.training.made_with == taught_by and entry.training.recipe == recipe:
            return zoo.load_classifier(entry.name)
    return None


def store_students(zoo: FolderZoo, compute: Compute, states: Path) -> None:
    """Teaches a student of every target and adds it as a checkpoint, in float16.

    Args:
        states: folder in which unfinished trainings are kept, to go on there.
    """
    renderer = Renderer.of(zoo, compute)
    pools = PoolCache(zoo, renderer)
    for name in zoo.target_names():
        if stored_student(zoo, name):
            continue
        lane = Lane.load(zoo, name, compute)
        *_, pool = pools.get([lane], POOL_PSI, torch.arange(POOL_STYLES))
        assert isinstance(pool, Pool)
        *_, student = teach_student(renderer, lane, pool, lessons_of(zoo, name, states))
        assert isinstance(student, Classifier)
        round_as_kept(student.network)
        config = _recipe(student.input_size)
        test = LabelledImages(*zoo.split(zoo.identities(), student.input_size, "test"))
        entry = CheckpointEntry(
            name=f"student_{name}",
            kind="student",
            stored=UNSTORED,
            architecture=config.architecture,
            arguments=config.arguments,
            num_classes=student.num_classes,
            input_size=student.input_size,
            epochs=config.epochs,
            seed=config.seed,
            test_accuracy=accuracy(student, test, compute),
            training=TrainingRecord(recipe=config.to_json(), made_with=_taught_by(zoo, name)),
        )
        zoo.add(entry, student.network.state_dict(), torch.float16)


def lessons_of(zoo: Zoo, name: str, states: Path) -> Path:
    """Training folder of the student that this target's current weights teach."""
    return states / "-".join([name, *(sha256[:12] for sha256 in _taught_by(zoo, name).values())])


def _recipe(input_size: int) -> TrainConfig:
    return replace(STUDENT_RECIPE, input_size=input_size)


def _taught_by(zoo: Zoo, name: str) -> dict[str, str]:
    return {
        "target": zoo.entry(name).stored.sha256,
        "prior": zoo.entry("prior").stored.sha256,
    }
