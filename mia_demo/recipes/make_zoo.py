"""Remakes a zoo from images: targets, evaluator, embedder, attribute heads, prior; resumable.

Order: identities into zip parts, classifiers (fixed epochs), then the prior with the minutes that
are left. A step whose checkpoint is there with the same recipe is skipped; a step that was killed
goes on from its last saved state.
"""

from __future__ import annotations

import time
import zipfile
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import torch

from mia_demo.attack.sampling import store_pool
from mia_demo.data.identities import ATTRIBUTES_FILE, IdentitySet, open_identity_set
from mia_demo.data.splits import public_split
from mia_demo.errors import DataError
from mia_demo.models.classifiers import Classifier, build_classifier
from mia_demo.models.embedder import CosineClassifier, FaceEmbedder, rank1_accuracy
from mia_demo.recipes.make_attributes import make_attributes
from mia_demo.recipes.make_pretrained import make_pretrained
from mia_demo.recipes.model_card import write_model_card
from mia_demo.system.device import Compute
from mia_demo.system.files import replacing
from mia_demo.system.seeds import SeededDraws
from mia_demo.training.classifier import (
    STATE_FILE,
    ClassifierTrainer,
    LabelledImages,
    TrainConfig,
    accuracy,
    predict,
    train_classifier,
)
from mia_demo.training.initial_weights import PRETRAINED, RANDOM, load_initial_weights
from mia_demo.training.prior import PriorConfig, PriorFrame, PriorTrainer, train_prior
from mia_demo.zoo.folder import Zoo
from mia_demo.zoo.manifest import UNSTORED, CheckpointEntry
from mia_demo.zoo.training_record import TrainingRecord

Log = Callable[[str], None]

PART_BYTES = 9_500_000
TRAIN_IMAGES = 48
EMBEDDING_DIM = 128
TARGET_ALPHAS = {"positive": 0.1, "zero": 0.0, "negative": -0.05}


@dataclass(frozen=True)
class ZooRecipe:
    """What the embedded zoo is made with.

    Targets train long at the full smoothing factor, as the paper's do: that is when negative
    smoothing drives the logits apart (docs/experiments.md).
    """

    target: TrainConfig = field(
        default_factory=lambda: TrainConfig(
            epochs=50,
            batch_size=32,
            learning_rate=1e-3,
            milestones=(0.6, 0.9),
            phases=(0.2, 0.3),
            initial_weights=PRETRAINED,
        )
    )
    pretrained: TrainConfig = field(
        default_factory=lambda: TrainConfig(epochs=20, learning_rate=1e-3, seed=99)
    )
    evaluator: TrainConfig = field(
        default_factory=lambda: TrainConfig(architecture="compact_densenet", seed=7)
    )
    embedder: TrainConfig = field(default_factory=lambda: TrainConfig(epochs=30, seed=11))
    features: TrainConfig = field(
        default_factory=lambda: TrainConfig(
            arguments={"width": 16, "stem_stride": 1}, epochs=16, seed=23
        )
    )
    attributes: TrainConfig = field(
        default_factory=lambda: TrainConfig(arguments={"width": 12}, epochs=8, seed=13)
    )
    prior: PriorConfig = field(default_factory=PriorConfig)


def make_zoo(
    data: Path, output: Path, recipe: ZooRecipe, compute: Compute, *, minutes: float, log: Log
) -> Zoo:
    """Makes every checkpoint of a zoo.

    Args:
        data: folder with ``target.zip`` (private) and ``public_*.zip``.
        output: the zoo's folder; states of unfinished steps lie in ``output/../build``.
        minutes: time budget of this sitting. Classifiers take what they need, the prior the rest.
        log: receives one line a report.
    """
    deadline = time.monotonic() + minutes * 60
    work = output.parent / "build"
    zoo = Zoo.create(output)
    if not zoo.manifest.identities:
        pack_identities(data / "target.zip", zoo)
    private = zoo.identities()
    size = recipe.target.input_size
    train = LabelledImages(*zoo.split(private, size, "train"))
    test = LabelledImages(*zoo.split(private, size, "test"))
    public = open_identity_set(sorted(data.glob("public_*.zip")))
    make_pretrained(zoo, recipe.pretrained, public, compute, work, log)
    for name, alpha in TARGET_ALPHAS.items():
        config = replace(recipe.target, alpha=alpha)
        make_classifier(zoo, name, "target", config, train, test, compute, work, log)
    make_classifier(
        zoo, "evaluator", "evaluator", recipe.evaluator, train, test, compute, work, log
    )
    make_embedder(zoo, "embedder", recipe.embedder, public, compute, work, log)
    make_embedder(zoo, "features", recipe.features, public, compute, work, log)
    make_attributes(zoo, recipe.attributes, public, compute, work, log)
    left = (deadline - time.monotonic()) / 60
    make_prior(zoo, recipe.prior, public, compute, work, minutes=left, log=log)
    store_pool(zoo, compute)
    write_model_card(zoo)
    return zoo


def pack_identities(source: Path, zoo: Zoo) -> None:
    """Copies a zip of identities into stored (not recompressed) parts under 10 MB."""
    if not source.is_file():
        raise DataError(f"{source} does not exist; --data needs target.zip and public_*.zip.")
    identities = open_identity_set(source, min_images=TRAIN_IMAGES + 1)
    parts: list[list[str]] = [[]]
    with zipfile.ZipFile(source) as archive:
        used = len(archive.read(ATTRIBUTES_FILE)) if identities.attributes else 0
        names = [ATTRIBUTES_FILE] if identities.attributes else []
        parts[0].extend(names)
        for entries in identities.entries:
            bytes_needed = sum(archive.getinfo(e.name).file_size + 200 for e in entries)
            if used + bytes_needed > PART_BYTES:
                parts.append([])
                used = 0
            parts[-1].extend(entry.name for entry in entries)
            used += bytes_needed
        files = []
        for number, part in enumerate(parts):
            files.append(f"identities_{number}.zip")
            with (
                replacing(zoo.root / files[-1]) as temporary,
                zipfile.ZipFile(temporary, "w", zipfile.ZIP_STORED) as copy,
            ):
                for name in part:
                    # A fixed date makes the parts, and so their hashes, reproducible.
                    info = zipfile.ZipInfo(name, date_time=(2026, 1, 1, 0, 0, 0))
                    copy.writestr(info, archive.read(name))
    zoo.set_identities(files, TRAIN_IMAGES)


def make_classifier(
    zoo: Zoo,
    name: str,
    kind: str,
    config: TrainConfig,
    train: LabelledImages,
    test: LabelledImages,
    compute: Compute,
    work: Path,
    log: Log,
) -> None:
    """Trains a target or an evaluator and adds it to the zoo."""
    recipe = config.to_json()
    if zoo.is_made(name, recipe):
        return
    num_classes = int(train.labels.max()) + 1
    classifier = new_classifier(zoo, config, num_classes, work / name)
    trainer = ClassifierTrainer(classifier, config, compute, train)
    train_accuracy = test_accuracy = None
    for frame in train_classifier(trainer, test, work / name):
        if frame.test_accuracy is not None:
            train_accuracy, test_accuracy = frame.train_accuracy, frame.test_accuracy
            log(
                f"{name}: epoch {frame.epoch + 1}/{frame.epochs}, alpha {frame.alpha:+.3f}, "
                f"loss {frame.loss:.3f}, test accuracy {test_accuracy:.4f}, {frame.seconds:.0f} s"
            )
    if test_accuracy is None:  # killed between the last epoch and the manifest
        test_accuracy = accuracy(classifier, test, compute)
    entry = classifier_entry(name, kind, trainer, num_classes, train_accuracy, test_accuracy)
    zoo.add(entry, classifier.network.state_dict(), torch.float32)


def new_classifier(zoo: Zoo, config: TrainConfig, num_classes: int, state: Path) -> Classifier:
    """A network with the initial weights of its recipe; a state to resume from replaces them.

    Args:
        zoo: whose pretrained network ``pretrained`` means.
        state: folder of the training's state.

    Raises:
        CheckpointError: the zoo has no pretrained network, or a damaged one.
    """
    classifier = config.classifier(num_classes)
    if not (state / STATE_FILE).exists():
        source = config.initial_weights
        if source == PRETRAINED:
            source = str(zoo.verified_path(zoo.entry(PRETRAINED).stored))
        load_initial_weights(classifier.network, config.architecture, source)
    return classifier


def with_usual_start(config: TrainConfig, zoo: Zoo) -> TrainConfig:
    """The same training from the zoo's pretrained network, where that has this architecture."""
    start = zoo.find(PRETRAINED)
    fits = start is not None and (start.architecture, start.arguments, start.input_size) == (
        config.architecture,
        config.arguments,
        config.input_size,
    )
    return replace(config, initial_weights=PRETRAINED if fits else RANDOM)


def classifier_entry(
    name: str,
    kind: str,
    trainer: ClassifierTrainer,
    num_classes: int,
    train_accuracy: float | None,
    test_accuracy: float,
) -> CheckpointEntry:
    """What the manifest says of a finished training."""
    config = trainer.config
    return CheckpointEntry(
        name=name,
        kind=kind,
        stored=UNSTORED,
        architecture=config.architecture,
        arguments=config.arguments,
        num_classes=num_classes,
        input_size=config.input_size,
        alpha=config.alpha,
        alphas=trainer.alphas,
        epochs=config.epochs,
        seed=config.seed,
        test_accuracy=test_accuracy,
        train_accuracy=train_accuracy,
        training=TrainingRecord(recipe=trainer.recipe(), seconds=round(trainer.seconds, 1)),
    )


def make_embedder(
    zoo: Zoo,
    name: str,
    config: TrainConfig,
    public: IdentitySet,
    compute: Compute,
    work: Path,
    log: Log,
) -> None:
    """Trains a network to tell the public identities apart; rank-1 is measured on held-out ones.

    Args:
        name: its kind as well: ``embedder`` judges attacks, the stages of ``features`` tell the
            prior what faces look like. Two networks, so that the judge knows nothing of the prior.
    """
    recipe = config.to_json()
    if zoo.is_made(name, recipe):
        return
    used, held_out = public_split(public)
    images, labels = public.tensors(config.input_size, labels=used)
    dense = torch.searchsorted(torch.tensor(used), labels)
    with SeededDraws(config.seed):
        trunk = build_classifier(
            config.architecture, EMBEDDING_DIM, config.input_size, config.arguments
        )
        embedder = FaceEmbedder(trunk)
        network = CosineClassifier(embedder, len(used))
    trainer = ClassifierTrainer(network, config, compute, LabelledImages(images, dense))
    for frame in train_classifier(trainer, None, work / name):
        if frame.step % trainer.steps_per_epoch == 0:
            log(
                f"{name}: epoch {frame.epoch + 1}/{frame.epochs}, loss {frame.loss:.3f}, "
                f"train accuracy {frame.train_accuracy:.4f}, {frame.seconds:.0f} s"
            )
    probes, probe_labels = public.tensors(config.input_size, labels=held_out)
    gallery = torch.arange(len(probe_labels)) % 2 == 0
    rank1 = rank1_accuracy(predict(embedder, probes, compute), probe_labels, gallery)
    log(f"{name}: rank-1 among {len(held_out)} held-out identities {rank1:.4f}")
    entry = CheckpointEntry(
        name=name,
        kind=name,
        stored=UNSTORED,
        architecture=config.architecture,
        arguments=config.arguments,
        num_classes=EMBEDDING_DIM,
        input_size=config.input_size,
        epochs=config.epochs,
        seed=config.seed,
        test_accuracy=rank1,
        training=TrainingRecord(
            recipe=recipe,
            seconds=round(trainer.seconds, 1),
            identities=len(used),
            held_out_identities=len(held_out),
        ),
    )
    zoo.add(entry, embedder.network.state_dict(), torch.float32)


def make_prior(
    zoo: Zoo,
    config: PriorConfig,
    public: IdentitySet,
    compute: Compute,
    work: Path,
    *,
    minutes: float,
    log: Log,
) -> None:
    """Trains the prior for ``minutes``, going on from its state if there is one."""
    used, _ = public_split(public)
    images, _ = public.tensors(config.resolution, labels=used)
    directory = work / "prior"
    frame: PriorFrame | None = None
    features = zoo.load_features()
    for frame in train_prior(images, config, features, compute, directory, minutes=minutes):
        if frame.step % 50 == 0:
            log(
                f"prior: {frame.images_seen} images, error in pixels {frame.pixel_error:.4f}, in "
                f"features {frame.feature_error:.4f}, styles {frame.style_distance:.4f}, critics "
                f"{frame.critic_loss:.3f}, {frame.seconds:.0f} s"
            )
    trainer = PriorTrainer(config, features, compute)
    trainer.load(directory)
    add_prior(zoo, trainer, identities=len(used))


def add_prior(zoo: Zoo, trainer: PriorTrainer, *, identities: int) -> None:
    """Puts the averaged generator of a training into the zoo, in float16 to halve the file.

    The noise inputs serve the training; at 64 px a fixed noise pattern is speckle on every face,
    so the checkpoint has them switched off.
    """
    config = trainer.config
    state = {
        name: torch.zeros_like(tensor) if name.endswith("noise_strength") else tensor
        for name, tensor in trainer.average.state_dict().items()
    }
    entry = CheckpointEntry(
        name="prior",
        kind="prior",
        stored=UNSTORED,
        architecture="stylegan2",
        arguments=config.architecture(),
        input_size=config.resolution,
        seed=config.seed,
        training=TrainingRecord(
            recipe=asdict(config),
            images_seen=trainer.images_seen,
            seconds=round(trainer.seconds, 1),
            identities=identities,
        ),
    )
    zoo.add(entry, state, torch.float16)
