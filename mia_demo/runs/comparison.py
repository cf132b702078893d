"""Two runs side by side, and a run against a repetition of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mia_demo.attack.frames import AttackFrame
from mia_demo.report.columns import alpha_text, percent
from mia_demo.runs.command import compact_numbers
from mia_demo.runs.folder import AttackRun
from mia_demo.runs.report import best_first
from mia_demo.sweep.results import JudgedAttack, Record
from mia_demo.system.device import Compute
from mia_demo.training.classifier import TrainConfig
from mia_demo.zoo.manifest import CheckpointEntry, library_versions
from mia_demo.zoo.reading import Zoo


@dataclass(frozen=True)
class Difference:
    """A setting, and its value in either run."""

    setting: str
    first: str
    second: str


def differences(one: Mapping[str, str], other: Mapping[str, str]) -> list[Difference]:
    """The facts in which two runs of a kind differ."""
    names = dict.fromkeys([*one, *other])
    return [
        Difference(name, one.get(name, "–"), other.get(name, "–"))
        for name in names
        if one.get(name) != other.get(name)
    ]


def changes_since(run: AttackRun, zoo: Zoo, compute: Compute) -> list[str]:
    """What is no longer as it was, each a reason why a repetition may come out otherwise."""
    report = run.report
    return [
        *_changed_weights(report["checkpoints"], zoo),
        *changed_place(report, compute),
        *_changed_versions(report["versions"]),
    ]


def changes_since_training(entry: CheckpointEntry, compute: Compute) -> list[str]:
    """The same of a training."""
    then = entry.training.to_json()
    place = changed_place(then, compute) if "device" in then else []
    return [*place, *_changed_versions(entry.versions)]


def changes_since_sweep(record: Record, zoo: Zoo, compute: Compute) -> list[str]:
    """The same of a sweep."""
    return [
        *_changed_weights(record.checkpoints, zoo),
        *changed_place({"device": record.device, "precision": record.precision}, compute),
        *_changed_versions(record.versions),
    ]


def _changed_weights(checkpoints: Mapping[str, str], zoo: Zoo) -> list[str]:
    found = {name: zoo.find(name) for name in checkpoints}
    present = {name: entry.stored.sha256 for name, entry in found.items() if entry}
    return [
        f"{name} {'has other weights' if name in present else 'is not in this zoo'}"
        for name, sha256 in checkpoints.items()
        if present.get(name) != sha256
    ]


def place_of(compute: Compute) -> dict[str, Any]:
    """Where something is computed, as far as it may decide the last bits."""
    return {
        "device": str(compute.device),
        "precision": compute.precision,
        "threads": torch.get_num_threads(),
    }


def changed_place(then: Mapping[str, Any], compute: Compute) -> list[str]:
    return [
        f"{name} {then[name]} then, {value} now"
        for name, value in place_of(compute).items()
        if name in then and then[name] != value
    ]


def _changed_versions(versions: Mapping[str, str]) -> list[str]:
    return [
        f"{name} {versions.get(name)} then, {version} now"
        for name, version in library_versions().items()
        if versions.get(name) != version
    ]


@dataclass(frozen=True)
class Repetition:
    """How a repetition compares.

    Attributes:
        what: is compared, in the plural.
        same, total: how many are the same to the bit.
        largest: difference of two values, in words.
    """

    what: str
    same: int
    total: int
    largest: str

    @property
    def is_identical(self) -> bool:
        return self.same == self.total


def is_same_moment(run: AttackRun, frame: AttackFrame) -> bool:
    """Whether the run's pictures were kept at this step."""
    return (frame.stage, frame.step) == (run.report["stage"], run.report["step"])


def repetition(run: AttackRun, frame: AttackFrame) -> Repetition:
    """Compares a run's pictures with those of a repetition at the same step.

    Raises:
        DataError: the run's pictures are damaged.
    """
    same = total = largest = 0
    for lane in frame.lanes:
        kept = run.pictures(lane.name)
        again = lane.images[best_first(lane)[: len(kept)]]
        change = np.abs(kept.astype(np.int16) - again.astype(np.int16)).max(axis=(1, 2, 3))
        same += int((change == 0).sum())
        total += len(kept)
        largest = max(largest, int(change.max()))
    return Repetition("pictures", same, total, f"{largest} of 255 in a colour value")


def weights_repetition(kept: Mapping[str, Tensor], again: Mapping[str, Tensor]) -> Repetition:
    """Compares a classifier's weights with those of a repeated training, tensor by tensor."""
    same = total = 0
    largest = 0.0
    for name, tensor in kept.items():
        other = again[name].cpu().to(tensor.dtype)
        same += int((tensor == other).sum())
        total += tensor.numel()
        largest = max(largest, (tensor.double() - other.double()).abs().max().item())
    return Repetition("weights", same, total, f"{largest:.2g}")


def verdicts_repetition(
    kept: Mapping[str, Sequence[JudgedAttack]], again: Mapping[str, Sequence[JudgedAttack]]
) -> Repetition:
    """Compares a sweep's verdicts with those of a repetition, attack by attack."""
    pairs = [pair for lane in kept for pair in zip(kept[lane], again[lane], strict=True)]
    same = sum(one == other for one, other in pairs)
    largest = max(abs(one.acc1 - other.acc1) for one, other in pairs)
    return Repetition("verdicts", same, len(pairs), f"{100 * largest:.0f} points of Acc@1")


def attack_facts(run: AttackRun) -> dict[str, str]:
    """An attack's settings, then place, then versions and weights."""
    report = run.report
    config = run.config.to_json()
    config["lanes"] = ", ".join(run.config.lanes)
    place = {name: report.get(name, "unknown") for name in ("device", "precision", "threads")}
    facts = {**config, **place, "commit": report.get("commit") or "unknown"}
    facts["stopped at"] = "" if run.is_complete else f"step {report['step']}"
    facts |= origin_facts(report["versions"], report["checkpoints"])
    return {name.replace("_", " "): str(value) for name, value in facts.items()}


def sweep_facts(record: Record) -> dict[str, str]:
    """The same of a sweep."""
    settings = {k: v for k, v in record.settings.items() if k not in ("identity", "seed", "lanes")}
    facts = {
        **settings,
        "identities": compact_numbers(record.identities),
        "seeds": compact_numbers(record.seeds),
        "lanes": ", ".join(record.lanes),
        "device": record.device,
        "precision": record.precision,
        "commit": record.commit or "unknown",
        **origin_facts(record.versions, record.checkpoints),
    }
    return {name.replace("_", " "): str(value) for name, value in facts.items()}


def training_facts(entry: CheckpointEntry) -> dict[str, str]:
    """The same of a training, and how it ended."""
    config = TrainConfig.from_json(entry.training.recipe)
    facts = {
        "α": alpha_text(config.alpha),
        "photos of each person": entry.training.images_per_identity,
        "epochs": config.epochs,
        "negative α sets in, is full": " and ".join(f"{share:.0%}" for share in config.phases),
        "architecture": config.architecture,
        "initial weights": config.initial_weights,
        "learning rate": f"{config.learning_rate:g}",
        "seed": config.seed,
        "test accuracy": percent(entry.test_accuracy or 0.0),
        "train accuracy": percent(entry.train_accuracy or 0.0),
        **origin_facts(entry.versions, {}),
    }
    return {name: str(value) for name, value in facts.items()}


def origin_facts(versions: Mapping[str, str], weights: Mapping[str, str]) -> dict[str, str]:
    return {f"version of {name}": value for name, value in versions.items()} | {
        f"weights of {name}": value[:12] for name, value in weights.items()
    }
