"""A recording as plain JSON, for replay in the browser."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from mia_demo.runs.replay import SHEET_COLUMNS, Moment, Replay
from mia_demo.ui.boards.board_words import progress_of, verdict_words


def replay_json(
    replay: Replay, identity: int, *, is_recorded: bool = False, names: Sequence[str] = ()
) -> dict[str, Any]:
    """The recording as ``replay_player.js`` plays it.

    Args:
        names: of the people, by label, where they have some.
        is_recorded: it came with the demo.
    """
    encoded = base64.b64encode(replay.sheet).decode("ascii")
    return {
        "sheet": f"data:image/webp;base64,{encoded}",
        "size": replay.size,
        "columns": SHEET_COLUMNS,
        "plays": False,
        "recorded": is_recorded,
        "moments": [_moment(moment, identity, names) for moment in replay.moments],
    }


def _moment(moment: Moment, identity: int, names: Sequence[str]) -> dict[str, Any]:
    words = {"sampling": "Before step 1", "done": "Result"}
    return {
        "stage": moment.stage,
        "seconds": moment.seconds,
        "progress": progress_of(moment.stage, moment.step, moment.total_steps),
        "words": words.get(moment.stage, f"Step {moment.step} of {moment.total_steps}"),
        "x": place_on_curve(moment),
        "lanes": [
            {
                "target_confidence": lane.target_confidence,
                "gradient_cosine": lane.gradient_cosine,
                "evaluator_top1": lane.evaluator_top1,
                "verdict": verdict_words(lane.evaluator_top1, identity, names),
                "certainty": f"{lane.evaluator_confidence:.0%} sure",
                "recognised": lane.evaluator_top1 == identity,
                "detail": asdict(lane.detail) if lane.detail else None,
            }
            for lane in moment.lanes
        ],
    }


def place_on_curve(moment: Moment) -> float:
    """Where the moment lies on the curves, 0 to 100; −1 during sampling."""
    if moment.stage == "optimisation":
        return 100 * (moment.step - 1) / max(moment.total_steps - 1, 1)
    return -1.0 if moment.stage == "sampling" else 100.0
