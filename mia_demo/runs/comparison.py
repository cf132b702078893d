"""Two runs side by side, and a run against a repetition of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from mia_demo.attack.attack import AttackFrame
from mia_demo.device import Compute
from mia_demo.runs.folder import AttackRun
from mia_demo.runs.report import best_first
from mia_demo.zoo import Zoo, library_versions


@dataclass(frozen=True)
class Difference:
    """A setting, and its value in either run."""

    setting: str
    first: str
    second: str


def differences(first: AttackRun, second: AttackRun) -> list[Difference]:
    """What was set otherwise, or ran otherwise: settings first, then place, then versions."""
    one, other = _facts(first), _facts(second)
    names = dict.fromkeys([*one, *other])
    return [
        Difference(name, one.get(name, "–"), other.get(name, "–"))
        for name in names
        if one.get(name) != other.get(name)
    ]


def changes_since(run: AttackRun, zoo: Zoo, compute: Compute) -> list[str]:
    """What is no longer as it was, each a reason why a repetition may come out otherwise."""
    report = run.report
    found = {name: zoo.find(name) for name in report["checkpoints"]}
    present = {name: entry.stored.sha256 for name, entry in found.items() if entry}
    changes = [
        f"{name} {'has other weights' if name in present else 'is not in this zoo'}"
        for name, sha256 in report["checkpoints"].items()
        if present.get(name) != sha256
    ]
    now = {
        "device": str(compute.device),
        "precision": compute.precision,
        "threads": torch.get_num_threads(),
    }
    changes += [
        f"{name} {report.get(name)} then, {value} now"
        for name, value in now.items()
        if report.get(name) != value
    ]
    versions = library_versions()
    changes += [
        f"{name} {report['versions'].get(name)} then, {version} now"
        for name, version in versions.items()
        if report["versions"].get(name) != version
    ]
    return changes


@dataclass(frozen=True)
class Repetition:
    """How a repetition compares: pictures that are the same to the bit, and the largest change.

    Attributes:
        largest: difference of one colour value, 0 to 255.
    """

    same: int
    pictures: int
    largest: int

    @property
    def is_identical(self) -> bool:
        return self.same == self.pictures


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
    return Repetition(same, total, largest)


def _facts(run: AttackRun) -> dict[str, str]:
    report = run.report
    config = run.config.to_json()
    config["lanes"] = ", ".join(run.config.lanes)
    place = {name: report.get(name, "unknown") for name in ("device", "precision", "threads")}
    facts = {**config, **place, "commit": report.get("commit") or "unknown"}
    facts["stopped at"] = "" if run.is_complete else f"step {report['step']}"
    facts |= {f"version of {name}": value for name, value in report["versions"].items()}
    facts |= {f"weights of {name}": value[:12] for name, value in report["checkpoints"].items()}
    return {name.replace("_", " "): str(value) for name, value in facts.items()}
