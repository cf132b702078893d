"""What the Runs page shows, as plain JSON."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import numpy as np

from mia_demo.data.pictures import data_uri, sprite
from mia_demo.evaluation.columns import alpha_text, percent
from mia_demo.evaluation.library import Sweep
from mia_demo.evaluation.report import record_sentence
from mia_demo.runs.command import attack_command, sweep_command
from mia_demo.runs.comparison import Repetition, differences
from mia_demo.runs.drawing import facts_line, heading
from mia_demo.runs.folder import AttackRun
from mia_demo.ui.attack_view import verdict_words
from mia_demo.ui.compare_view import sweep_label
from mia_demo.ui.engine import Engine
from mia_demo.ui.replay_view import caveat
from mia_demo.ui.sweep_view import lane_style
from mia_demo.zoo import CheckpointEntry

FACES = 4  # of an entry: best pictures of so many lanes
COMPARED = 5  # pictures of a lane beside those of another run


def attack_item(run: AttackRun, *, may_change: bool) -> dict[str, Any]:
    """An entry of the list.

    Raises:
        DataError: its pictures are damaged.
    """
    faces = np.stack([run.pictures(lane)[0] for lane in run.config.lanes[:FACES]])
    return {
        "key": run.key,
        "kind": "attack",
        "title": run.title,
        "badge": _badge(run),
        "words": f"{heading(run) if run.name else f'Preset {run.config.preset}'}: "
        f"{', '.join(run.config.lanes)}",
        "when": _when(run.report["date"]),
        "faces": data_uri(sprite(faces, len(faces))),
        "count": len(faces),
        "change": may_change,
        "compare": True,
    }


def sweep_item(sweep: Sweep, name: str, *, may_change: bool) -> dict[str, Any]:
    record = sweep.record
    return {
        "key": sweep.key,
        "kind": "sweep",
        "title": name or sweep_label(sweep),
        "badge": "recorded" if sweep.is_recorded else "",
        "words": f"{len(record.identities)} identities, lanes {', '.join(record.lanes)}",
        "when": _when(record.date),
        "faces": "",
        "count": 0,
        "change": may_change,
        "compare": False,
    }


def training_item(key: str, entry: CheckpointEntry, name: str) -> dict[str, Any]:
    photos = entry.training["images_per_identity"]
    return {
        "key": key,
        "kind": "training",
        "title": name or f"{entry.name}, α = {alpha_text(entry.alpha or 0.0)}",
        "badge": "",
        "words": f"{entry.name}: {photos} photos of each person, {entry.epochs} epochs, "
        f"{entry.architecture}, seed {entry.seed}",
        "when": "",
        "faces": "",
        "count": 0,
        "change": True,
        "compare": False,
    }


def attack_details(engine: Engine, run: AttackRun) -> dict[str, Any]:
    """The head of an opened attack."""
    return {
        "key": run.key,
        "kind": "attack",
        "title": run.title,
        "recorded": run.is_recorded,
        "words": [f"{heading(run)}.", f"{facts_line(run)}."],
        "caveat": caveat(engine, run),
        "command": attack_command(run.config),
        "page": "",
        "files": True,
        "repeated": "",
        "identical": False,
    }


def sweep_details(sweep: Sweep, name: str) -> dict[str, Any]:
    label = sweep_label(sweep)
    return {
        "key": sweep.key,
        "kind": "sweep",
        "title": name or label,
        "recorded": sweep.is_recorded,
        "words": [
            f"Recorded {record_sentence(sweep.record)}",
            f"Its table, pictures and downloads are on the Compare page: choose “{label}” there.",
        ],
        "caveat": "",
        "command": sweep_command(sweep.record),
        "page": "Compare",
        "files": False,
        "repeated": "",
        "identical": False,
    }


def training_details(key: str, entry: CheckpointEntry, name: str) -> dict[str, Any]:
    item = training_item(key, entry, name)
    return {
        "key": key,
        "kind": "training",
        "title": item["title"],
        "recorded": False,
        "words": [
            f"{item['words']}. {percent(entry.test_accuracy or 0.0)} test accuracy.",
            f"It is the lane {entry.name} of the Attack and Compare pages; the Train page has its "
            "file to download.",
        ],
        "caveat": "",
        "command": "",
        "page": "Train",
        "files": False,
        "repeated": "",
        "identical": False,
    }


def repetition_words(result: Repetition, changes: str) -> str:
    """Whether a repetition is the same, in a sentence or two."""
    if result.is_identical:
        return f"Repeated: all {result.pictures} pictures are identical, to the bit."
    different = result.pictures - result.same
    why = changes or "Nothing that is known to matter has changed since."
    return (
        f"Repeated: {different} of {result.pictures} pictures differ, by up to {result.largest} "
        f"of 255 in a colour value. {why}"
    )


def comparison(first: AttackRun, second: AttackRun, targets: Sequence[str]) -> dict[str, Any]:
    """Two runs: what was set otherwise, and the pictures of each lane side by side.

    Raises:
        DataError: pictures are damaged.
    """
    lanes = dict.fromkeys([*first.config.lanes, *second.config.lanes])
    return {
        "titles": [first.title, second.title],
        "words": [heading(first), heading(second)],
        "differences": [
            {"setting": d.setting, "first": d.first, "second": d.second}
            for d in differences(first, second)
        ],
        "lanes": [
            {
                "name": lane,
                "style": lane_style(lane, targets, position),
                "sides": [_side(run, lane) for run in (first, second)],
            }
            for position, lane in enumerate(lanes)
        ],
    }


def _side(run: AttackRun, lane: str) -> dict[str, Any] | None:
    if lane not in run.config.lanes:
        return None
    report = run.report["lanes"][lane]
    identity = run.config.identity
    return {
        "confidence": f"{report['target_confidence']:.0%} confidence",
        "verdict": verdict_words(report["evaluator_top1"][0], identity),
        "recognised": report["evaluator_top1"][0] == identity,
        "pictures": [
            {
                "uri": data_uri(pixels),
                "alt": f"Reconstruction {rank} of identity {identity} from lane {lane}, "
                f"run {run.title}",
            }
            for rank, pixels in enumerate(run.pictures(lane)[:COMPARED], start=1)
        ],
    }


def _badge(run: AttackRun) -> str:
    if not run.is_complete:
        return f"stopped at step {run.report['step']}"
    return "recorded" if run.is_recorded else ""


def _when(date: str) -> str:
    try:
        return f"{datetime.fromisoformat(date):%Y-%m-%d %H:%M} UTC"
    except ValueError:
        return ""
