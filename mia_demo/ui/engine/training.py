"""A training started from the page: its plan, and the work as a stream of updates."""

import hashlib
import json
import shutil
from collections.abc import Generator
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from safetensors.torch import load, save

from mia_demo.errors import ConfigError
from mia_demo.recipes.classifiers import classifier_entry, new_classifier
from mia_demo.runs.origin import place_of
from mia_demo.runs.training_run import TrainingRun
from mia_demo.system.clock import time_now
from mia_demo.system.files import write_json, writing_to
from mia_demo.system.json_files import checked, read_json
from mia_demo.system.tensor_files import round_as_kept
from mia_demo.training.classifier import (
    ClassifierTrainer,
    LabelledImages,
    TrainingFrame,
    accuracy,
    train_classifier,
)
from mia_demo.training.config import TrainConfig
from mia_demo.training.logits import LogitHistogram
from mia_demo.ui.engine.engine import Engine
from mia_demo.ui.engine.networks import Networks
from mia_demo.ui.engine.speed import StepClock
from mia_demo.ui.engine.who_asks import asking_tab, tab_setting
from mia_demo.zoo.layers import LayeredZoo
from mia_demo.zoo.manifest import CheckpointEntry

HISTORY_FILE = "history.json"
PLAN_FILE = "plan.json"
MAX_UNFINISHED = 5  # states kept on disk, 15 MB each and more


@dataclass(frozen=True)
class Epoch:
    """A finished epoch as the curves show it."""

    number: int  # from 1
    alpha: float
    loss: float  # mean over the epoch
    train_accuracy: float
    test_accuracy: float
    logits: LogitHistogram


def epochs_from(values: Any) -> list[Epoch]:
    """Reads a list of ``asdict(epoch)``; an unreadable record is an empty one."""
    try:
        return checked(list[Epoch], values)
    except ValueError:
        return []


@dataclass(frozen=True)
class TrainingPlan:
    """What to train, and the folder of its unfinished state.

    The folder's name follows from the settings, so the same settings find their unfinished
    training again, and no other.
    """

    config: TrainConfig
    images: int  # of each identity
    folder: Path
    kind: str = "target"

    def decisive(self) -> dict[str, Any]:
        """The settings that tell one training from another."""
        return {"recipe": self.config.to_json(), "images": self.images}

    def epochs_done(self) -> int:
        return len(self.history())

    def history(self) -> list[Epoch]:
        """Finished epochs of earlier sittings; an unreadable record is an empty one."""
        try:
            return epochs_from(read_json(self.folder / HISTORY_FILE))
        except (OSError, ValueError):
            return []

    def discard(self) -> None:
        """Forgets the unfinished state."""
        shutil.rmtree(self.folder, ignore_errors=True)


@dataclass(frozen=True)
class TrainingUpdate:
    """Where a training is."""

    phase: str  # reading, training or done
    frame: TrainingFrame | None  # of the newest step, None before the first
    epochs: list[Epoch]  # finished ones; the list only grows, so that any thread may read it
    seconds_left: float | None = None  # None before it can be known
    name: str = ""  # of the finished classifier


@dataclass(frozen=True)
class Trained:
    """A finished training that is kept nowhere yet."""

    entry: CheckpointEntry
    weights: bytes  # a safetensors file


def plan_training(
    zoo: LayeredZoo, runs: Path, config: TrainConfig, images: int, kind: str = "target"
) -> TrainingPlan:
    """Checks what a visitor asks for.

    Args:
        runs: where the unfinished state lies.
        kind: a target, or the evaluator of own people.

    Raises:
        ConfigError: no room for the result, no such images, or the result is there already.
    """
    most = zoo.manifest.train_images
    if not 1 <= images <= most:
        raise ConfigError(f"Photos of each person must be 1 to {most}, not {images}.")
    if kind == "target":
        same = trained_with(zoo, config, images)
        if same:
            raise ConfigError(
                f"{same} was trained with exactly these settings; change one, such as the seed, "
                "or attack it."
            )
        zoo.own.check_room()
    decisive = {"recipe": config.to_json(), "images": images, **tab_setting()}
    text = json.dumps(decisive, sort_keys=True)
    folder = runs / f"training-{hashlib.sha256(text.encode()).hexdigest()[:12]}"
    return TrainingPlan(config, images, folder, kind)


def trained_with(zoo: LayeredZoo, config: TrainConfig, images: int) -> str:
    """Name of the own target that was trained just so, or nothing."""
    recipe = config.to_json()
    for entry in zoo.own_targets():
        trained = entry.training
        if trained.recipe == recipe and trained.images_per_identity == images:
            return entry.name
    return ""


def unfinished_trainings(zoo: LayeredZoo, runs: Path) -> list[TrainingPlan]:
    """Those that can be resumed, the newest first; unreadable ones are left out."""
    plans = []
    for folder in runs.glob("training-*"):
        try:
            known = read_json(folder / PLAN_FILE)
            config = checked(TrainConfig, known["recipe"], "recipe")
            plan = plan_training(zoo, runs, config, checked(int, known["images"], "images"))
        except (OSError, ValueError, KeyError, TypeError, ConfigError):
            continue
        # Repetitions have folders of another name, and are not resumed.
        if plan.folder == folder and plan.epochs_done():
            plans.append(plan)
    return sorted(plans, key=_written_at, reverse=True)


def _written_at(plan: TrainingPlan) -> float:
    try:
        return (plan.folder / HISTORY_FILE).stat().st_mtime
    except OSError:
        return 0.0


def training_work(
    plan: TrainingPlan, zoo: LayeredZoo, engine: Engine
) -> Generator[TrainingUpdate, None, None]:
    """Trains what is missing and adds the classifier to the visitors' own.

    Raises:
        ConfigError: the loss diverges, or a folder cannot be written.
        DataError: an image cannot be read.
    """
    update = TrainingUpdate("reading", None, plan.history())
    with closing(train_on_device(plan, zoo, engine)) as news:
        for new in news:
            if isinstance(new, TrainingUpdate):
                update = new
                yield update
            else:
                history = [asdict(epoch) for epoch in update.epochs]
                name = zoo.own.add(new.entry, load(new.weights), history)
                key = TrainingRun(zoo.entry(name)).key
                engine.owned_runs.put(key, asking_tab() or "", lasts=True)
                plan.discard()
                yield replace(update, phase="done", seconds_left=None, name=name)


def train_on_device(
    plan: TrainingPlan, zoo: LayeredZoo, engine: Engine
) -> Generator[TrainingUpdate | Trained, None, None]:
    """Trains what is missing; the last news is the result. Raises what ``training_work`` does."""
    return engine.on_device(partial(run_training, plan, zoo), is_saved=is_epoch_saved)


def is_epoch_saved(news: TrainingUpdate | Trained) -> bool:
    """Whether the training, started anew, goes on from here: at the end of an epoch."""
    frame = news.frame if isinstance(news, TrainingUpdate) else None
    return frame is not None and frame.test_accuracy is not None


def run_training(
    plan: TrainingPlan, zoo: LayeredZoo, networks: Networks
) -> Generator[TrainingUpdate | Trained, None, None]:
    """The work on the device."""
    epochs = plan.history()
    yield TrainingUpdate("reading", None, epochs)
    config, compute = plan.config, networks.compute
    identities = zoo.identities()
    seen = LabelledImages(*zoo.split(identities, config.input_size, "train", plan.images))
    test = networks.test_photos(zoo, config.input_size)
    classifier = new_classifier(networks.zoo, config, len(identities), plan.folder)
    trainer = ClassifierTrainer(classifier, config, compute, seen)
    _forget_old_states(plan.folder)
    clock = StepClock(untimed=3)  # the first are slow
    losses: list[float] = []  # of the running epoch
    with writing_to(plan.folder.parent):
        for frame in train_classifier(trainer, test, plan.folder):
            losses.append(frame.loss)
            if frame.test_accuracy is not None and frame.logits is not None:
                del epochs[frame.epoch :]  # of a record whose state was lost
                finished = Epoch(
                    number=frame.epoch + 1,
                    alpha=frame.alpha,
                    loss=sum(losses) / len(losses),
                    train_accuracy=frame.train_accuracy,
                    test_accuracy=frame.test_accuracy,
                    logits=frame.logits,
                )
                epochs.append(finished)
                write_json(plan.folder / PLAN_FILE, plan.decisive())
                write_json(plan.folder / HISTORY_FILE, [asdict(epoch) for epoch in epochs])
                losses.clear()
            left = clock.left_after_step(frame.total_steps - frame.step)
            yield TrainingUpdate("training", frame, epochs, left)
            clock.resume()
    round_as_kept(classifier.network)
    test_accuracy = accuracy(classifier, test, compute)
    # Empty if it was killed after saving a state but before its record.
    last = epochs[-1] if epochs else None
    entry = classifier_entry(
        "own",
        plan.kind,
        trainer,
        num_classes=len(identities),
        train_accuracy=last.train_accuracy if last else None,
        test_accuracy=test_accuracy,
    )
    logits = last.logits if last else None
    record = replace(
        entry.training,
        images_per_identity=plan.images,
        date=time_now(),
        **place_of(compute),
        logits={"target": logits.target_mean, "others": logits.others_mean} if logits else {},
    )
    entry = replace(entry, training=record)
    weights = {
        name: tensor.detach().cpu().contiguous()
        for name, tensor in classifier.network.state_dict().items()
    }
    yield Trained(entry, save(weights))


def _forget_old_states(kept: Path) -> None:
    """Deletes all but the newest unfinished trainings."""
    states = [path for path in kept.parent.glob("training-*") if path != kept]
    states.sort(key=lambda path: path.stat().st_mtime, reverse=True)
    for path in states[MAX_UNFINISHED - 1 :]:
        shutil.rmtree(path, ignore_errors=True)
