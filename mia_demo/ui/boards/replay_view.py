"""A kept attack on the attack board, its recording for replay in the browser, and its files."""

import base64
import math
from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any

from mia_demo.data.pictures import small_data_uri
from mia_demo.defences.label_smoothing import LabelSmoothing
from mia_demo.runs.attack_run import AttackRun, UnkeptRun
from mia_demo.runs.export import export
from mia_demo.runs.replay import SHEET_COLUMNS, Moment, Replay
from mia_demo.ui.boards.attack_view import (
    OTHERS,
    BoardView,
    LaneView,
    Picture,
    board_photos,
    empty_lane,
    named_face,
    photo_of,
)
from mia_demo.ui.boards.board_words import (
    photo_words,
    progress_of,
    title_of,
    verdict_words,
)
from mia_demo.ui.boards.lane_styles import lane_styles
from mia_demo.ui.engine.engine import Engine
from mia_demo.ui.shared.render import polyline_at


def run_board(engine: Engine, run: AttackRun) -> BoardView:
    """The board as the attack left it, with its recording if it has one.

    Raises:
        DemoError: the run or a photo is damaged.
    """
    replay = run.replay()
    board = blank_board(engine, run)
    board = replace(board, lanes=tuple(_with_result(lane, engine, run) for lane in board.lanes))
    if replay is None:
        return board
    low = _cosine_low(replay)
    return replace(
        board,
        lanes=tuple(_with_curves(lane, replay, n, low) for n, lane in enumerate(board.lanes)),
        cosine_low=low,
        replay=replay_json(replay, run.config.identity, is_recorded=run.is_recorded),
    )


def blank_board(engine: Engine, run: AttackRun) -> BoardView:
    """The board with the run's photos and lanes, which are empty."""
    report = run.report
    identity = run.config.identity
    is_known = identity < len(engine.identities)
    styles = lane_styles({lane: _alpha(engine, run, lane) for lane in run.config.lanes})
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
        photo_words=photo_words(engine.embedded),
        photos=board_photos(engine.embedded, identity) if is_known else (),
        run=run.key,
        lanes=tuple(_blank_lane(engine, run, name, style) for name, style in styles.items()),
    )


def attack_content(engine: Engine, run: AttackRun, kind: str) -> bytes:
    """A file of ``FILE_TYPES``, with a training photo of the identity if the zoo has it.

    Raises:
        ConfigError: there is no such file, or the people are gone.
        DataError: the run is damaged.
    """
    identities = engine.identities
    if isinstance(run, UnkeptRun):
        identities = engine.people(run.people).identities
    return export(run, kind, photo_of(identities, run.config.identity))


def _blank_lane(engine: Engine, run: AttackRun, name: str, style: int) -> LaneView:
    lane, defence = run.report["lanes"][name], _defence(engine, run, name)
    among = len(engine.identities)
    alpha, accuracy = lane["alpha"], lane["test_accuracy"]
    return empty_lane(name, style, alpha, accuracy, defence=defence, among=among)


def _defence(engine: Engine, run: AttackRun, lane: str) -> str:
    """A run tells the weights; what they were trained against is in the zoo that has them."""
    entry = engine.zoo.find(lane)
    is_here = entry is not None and entry.stored.sha256 == run.report["checkpoints"].get(lane)
    return entry.defence if entry and is_here else LabelSmoothing.name


def _alpha(engine: Engine, run: AttackRun, lane: str) -> float | None:
    """None for a lane of another defence: it has no colour of a smoothing factor."""
    is_plain = _defence(engine, run, lane) == LabelSmoothing.name
    return run.report["lanes"][lane]["alpha"] if is_plain else None


def _with_result(view: LaneView, engine: Engine, run: AttackRun) -> LaneView:
    lane = run.report["lanes"][view.name]
    kind = "Recorded reconstruction" if run.is_recorded else "Reconstruction"
    pictures = [
        Picture(
            small_data_uri(pixels),
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
        mistaken=None if top1 == run.config.identity else named_face(engine.embedded, top1),
    )


def _with_curves(view: LaneView, replay: Replay, position: int, low: float) -> LaneView:
    steps = [moment for moment in replay.moments if moment.stage == "optimisation"]
    lanes = [moment.lanes[position] for moment in steps]
    cosines = [math.nan if n.gradient_cosine is None else n.gradient_cosine for n in lanes]
    known = [value for value in cosines if not math.isnan(value)]
    confidences = [lane.target_confidence for lane in lanes]
    xs = [place_on_curve(moment) for moment in steps]
    return replace(
        view,
        confidence_curve=polyline_at(list(zip(xs, confidences, strict=True)), 0.0, 1.0),
        cosine_curve=polyline_at(list(zip(xs, cosines, strict=True)), low, 1.0),
        gradient_cosine=known[-1] if known else None,
    )


def _cosine_low(replay: Replay) -> float:
    cosines = [lane.gradient_cosine for moment in replay.moments for lane in moment.lanes]
    return -1.0 if any(value is not None and value < 0 for value in cosines) else 0.0


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
