"""What the Runs page shows, as plain JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

import numpy as np

from mia_demo.data.pictures import data_uri, sprite
from mia_demo.runs.command import attack_command
from mia_demo.runs.comparison import Repetition, attack_facts, differences
from mia_demo.runs.drawing import facts_line, heading
from mia_demo.runs.export import KINDS
from mia_demo.runs.folder import AttackRun
from mia_demo.ui.boards.attack_view import verdict_words
from mia_demo.ui.boards.replay_view import caveat
from mia_demo.ui.boards.sweep_view import lane_style
from mia_demo.ui.engine.engine import Engine

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
        "when": time_words(run.report["date"]),
        "faces": data_uri(sprite(faces, len(faces))),
        "count": len(faces),
        "change": may_change,
    }


def attack_details(engine: Engine, run: AttackRun) -> dict[str, Any]:
    """The head of an opened attack."""
    return {
        "key": run.key,
        "title": run.title,
        "recorded": run.is_recorded,
        "words": [f"{heading(run)}.", f"{facts_line(run)}."],
        "caveat": caveat(engine, run),
        "command": attack_command(run.config),
        "page": "",
        "link": "",
        "files": list(KINDS),
    }


def repetition_words(result: Repetition, changes: str) -> str:
    """Whether a repetition is the same, in a sentence or two."""
    if result.is_identical:
        return f"Repeated: all {result.total:,} {result.what} are identical, to the bit."
    different = result.total - result.same
    why = changes or "Nothing that is known to matter has changed since."
    return (
        f"Repeated: {different:,} of {result.total:,} {result.what} differ, by up to "
        f"{result.largest}. {why}"
    )


def comparison(first: AttackRun, second: AttackRun, targets: Sequence[str]) -> dict[str, Any]:
    """Two runs: what was set otherwise, and the pictures of each lane side by side.

    Raises:
        DataError: pictures are damaged.
    """
    lanes = dict.fromkeys([*first.config.lanes, *second.config.lanes])
    found = differences(attack_facts(first), attack_facts(second))
    return {
        "titles": [first.title, second.title],
        "words": [heading(first), heading(second)],
        "differences": [asdict(difference) for difference in found],
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
        "words": f"{report['target_confidence']:.0%} confidence, ",
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


def time_words(date: str) -> str:
    """ISO 8601 for people; empty where nothing was noted."""
    try:
        return f"{datetime.fromisoformat(date):%Y-%m-%d %H:%M} UTC"
    except ValueError:
        return ""
