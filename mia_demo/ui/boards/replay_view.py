"""A kept attack on the attack board, with its recording for replay in the browser."""

from __future__ import annotations

import base64
import math
from dataclasses import replace
from typing import Any

from mia_demo.data.pictures import data_uri
from mia_demo.runs.attack_run import AttackRun
from mia_demo.runs.replay import SHEET_COLUMNS, Moment, Replay
from mia_demo.ui.boards.attack_view import (
    OTHERS,
    BoardView,
    LaneView,
    Picture,
    board_photos,
    empty_lane,
    progress_of,
    title_of,
    verdict_words,
)
from mia_demo.ui.boards.lane_styles import lane_styles
from mia_demo.ui.engine.engine import Engine
from mia_demo.ui.shared.render import polyline_at


def first_visit_board(engine: Engine, identity: int) -> dict[str, Any] | None:
    """The replay of a recorded attack on this identity, for a first visit.

    None if none was recorded with the current networks.

    Raises:
        DemoError: the recorded run or a photo is damaged.
    """
    weights = {entry.name: entry.stored.sha256 for entry in engine.zoo.manifest.checkpoints}
    for run in engine.kept.recorded():
        used = run.report["checkpoints"]
        if run.config.identity == identity and used.items() <= weights.items():
            board = run_board(engine, run)
            status = (
                f"Recorded attack on identity {identity}; press Start to compute your own live."
            )
            board |= {"phase": "recorded", "status": status, "announcement": status}
            if "replay" in board:
                board["replay"]["loops"] = True
            return board
    return None


def run_board(engine: Engine, run: AttackRun) -> dict[str, Any]:
    """The board as the attack left it, and ``replay`` if it was recorded.

    Raises:
        DemoError: the run or a photo is damaged.
    """
    replay = run.replay()
    lanes = [_lane(engine, run, position) for position in range(len(run.config.lanes))]
    if replay is not None:
        lanes = [_with_curves(lane, replay, n) for n, lane in enumerate(lanes)]
    low = _cosine_low(replay)
    board = replace(blank_board(engine, run), lanes=tuple(lanes), cosine_low=low)
    values = board.to_json()
    return values if replay is None else {**values, "replay": _replay(run, replay)}


def blank_board(engine: Engine, run: AttackRun) -> BoardView:
    """The board with the run's photos and lanes, which are empty."""
    report = run.report
    identity = run.config.identity
    is_known = identity < len(engine.identities)
    if run.is_complete:
        status = f"Done in {report['seconds']:.1f} s."
    else:
        status = f"Stopped at step {report['step']} of {report['total_steps']}."
    return BoardView(
        phase="done" if run.is_complete else "stopped",
        identity=identity,
        stage=report["stage"],
        step=report["step"],
        total_steps=report["total_steps"],
        progress=progress_of(report["stage"], report["step"], report["total_steps"]),
        seconds=report["seconds"],
        status=status,
        announcement=status,
        title=title_of(identity),
        photos=board_photos(engine.embedded, identity) if is_known else (),
        lanes=tuple(_blank_lane(engine, run, n) for n in range(len(run.config.lanes))),
    )


def _blank_lane(engine: Engine, run: AttackRun, position: int) -> LaneView:
    name = run.config.lanes[position]
    lane = run.report["lanes"][name]
    style = lane_styles({lane: run.report["lanes"][lane]["alpha"] for lane in run.config.lanes})[
        name
    ]
    return empty_lane(name, style, lane["alpha"], lane["test_accuracy"])


def _lane(engine: Engine, run: AttackRun, position: int) -> LaneView:
    view = _blank_lane(engine, run, position)
    lane = run.report["lanes"][view.name]
    kind = "Recorded reconstruction" if run.is_recorded else "Reconstruction"
    pictures = [
        Picture(
            data_uri(pixels),
            f"{kind} {rank} of identity {run.config.identity} from lane {view.name}",
        )
        for rank, pixels in enumerate(run.pictures(view.name)[: OTHERS + 1], start=1)
    ]
    top1 = lane["evaluator_top1"][0]
    return replace(
        view,
        picture=pictures[0],
        others=(*pictures[1:], *[None] * (OTHERS + 1 - len(pictures))),
        target_confidence=round(lane["target_confidence"], 4),
        evaluator_top1=top1,
        verdict=verdict_words(top1, run.config.identity),
        certainty=f"{lane['evaluator_confidences'][0]:.0%} sure",
        recognised=top1 == run.config.identity,
    )


def _with_curves(view: LaneView, replay: Replay, position: int) -> LaneView:
    steps = [moment for moment in replay.moments if moment.stage == "optimisation"]
    lanes = [moment.lanes[position] for moment in steps]
    cosines = [math.nan if n.gradient_cosine is None else n.gradient_cosine for n in lanes]
    known = [value for value in cosines if not math.isnan(value)]
    confidences = [lane.target_confidence for lane in lanes]
    xs = [_x(moment) for moment in steps]
    low = _cosine_low(replay)
    return replace(
        view,
        confidence_curve=polyline_at(list(zip(xs, confidences, strict=True)), 0.0, 1.0),
        cosine_curve=polyline_at(list(zip(xs, cosines, strict=True)), low, 1.0),
        gradient_cosine=known[-1] if known else None,
    )


def _cosine_low(replay: Replay | None) -> float:
    moments = replay.moments if replay else ()
    cosines = [lane.gradient_cosine for moment in moments for lane in moment.lanes]
    return -1.0 if any(value is not None and value < 0 for value in cosines) else 0.0


def _replay(run: AttackRun, replay: Replay) -> dict[str, Any]:
    encoded = base64.b64encode(replay.sheet).decode("ascii")
    return {
        "sheet": f"data:image/webp;base64,{encoded}",
        "size": replay.size,
        "columns": SHEET_COLUMNS,
        "loops": False,
        "recorded": run.is_recorded,
        "moments": [_moment(moment, run.config.identity) for moment in replay.moments],
    }


def _moment(moment: Moment, identity: int) -> dict[str, Any]:
    words = {"sampling": "Before step 1", "done": "Result"}
    return {
        "stage": moment.stage,
        "seconds": moment.seconds,
        "progress": progress_of(moment.stage, moment.step, moment.total_steps),
        "words": words.get(moment.stage, f"Step {moment.step} of {moment.total_steps}"),
        "x": _x(moment),
        "lanes": [
            {
                "target_confidence": lane.target_confidence,
                "gradient_cosine": lane.gradient_cosine,
                "evaluator_top1": lane.evaluator_top1,
                "verdict": verdict_words(lane.evaluator_top1, identity),
                "certainty": f"{lane.evaluator_confidence:.0%} sure",
                "recognised": lane.evaluator_top1 == identity,
            }
            for lane in moment.lanes
        ],
    }


def _x(moment: Moment) -> float:
    """Where the moment lies on the curves, 0 to 100; −1 during sampling."""
    if moment.stage == "optimisation":
        return 100 * (moment.step - 1) / max(moment.total_steps - 1, 1)
    return -1.0 if moment.stage == "sampling" else 100.0
