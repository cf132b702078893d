"""A run as one picture, or as an animation: photo and lanes side by side, with the verdicts."""

from __future__ import annotations

import io

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from mia_demo.runs.folder import AttackRun
from mia_demo.runs.replay import Replay
from mia_demo.smoothing import format_alpha

TILE = 160  # pixels of a picture
SMALL = 96  # of a picture on the sheet
GAP = 12
LINE = 20
BACKGROUND, INK, FAINT, RED = "white", "#1e293b", "#475569", "#b91c1c"
FRAME_MS, LAST_MS = 160, 2500
MAX_ON_SHEET = 10  # pictures of a lane


def sheet_png(run: AttackRun, photo: npt.NDArray[np.uint8] | None) -> bytes:
    """Every lane's kept pictures in a row, with whom the evaluator sees in each.

    Args:
        photo: uint8 [R, R, 3], a training photo; None if the zoo has no such identity.

    Raises:
        DataError: a picture is damaged.
    """
    lanes = run.config.lanes
    kept = {lane: run.pictures(lane)[:MAX_ON_SHEET] for lane in lanes}
    columns = max(len(pictures) for pictures in kept.values())
    left = GAP + SMALL + GAP
    row = 2 * LINE + SMALL + LINE + GAP
    size = (max(left + columns * (SMALL + GAP), 620), 2 * GAP + LINE + len(lanes) * row + LINE)
    image = Image.new("RGB", size, BACKGROUND)
    draw = ImageDraw.Draw(image)
    _write(draw, (GAP, GAP), heading(run), INK, 16)
    top = 2 * GAP + LINE
    if photo is not None:
        image.paste(_tile(photo, SMALL), (GAP, top + 2 * LINE))
        _write(draw, (GAP, top + 2 * LINE + SMALL + 2), "training photo", FAINT, 13)
    for number, lane in enumerate(lanes):
        report = run.report["lanes"][lane]
        y = top + number * row
        # The font that comes with Pillow has no Greek.
        words = f"{lane}, alpha = {format_alpha(report['alpha'])}"
        _write(draw, (left, y + LINE // 2), words, INK, 15)
        for k, picture in enumerate(kept[lane]):
            x = left + k * (SMALL + GAP)
            image.paste(_tile(picture, SMALL), (x, y + 2 * LINE))
            seen = report["evaluator_top1"][k]
            is_right = seen == run.config.identity
            mark = f"{'right' if is_right else 'wrong'}: says {seen}"
            _write(draw, (x, y + 2 * LINE + SMALL + 2), mark, RED if is_right else FAINT, 13)
    _write(draw, (GAP, size[1] - LINE), facts_line(run), FAINT, 12)
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def animation(run: AttackRun, replay: Replay) -> bytes:
    """The attack as an animated WebP that loops.

    Raises:
        DataError: the recording is damaged.
    """
    pictures = replay.pictures()
    frames = [
        _frame(run, replay, pictures[:, number], number) for number in range(len(replay.moments))
    ]
    durations = [FRAME_MS] * (len(frames) - 1) + [LAST_MS]
    buffer = io.BytesIO()
    frames[0].save(
        buffer,
        "WEBP",
        save_all=True,
        append_images=frames[1:],
        duration=durations,
        loop=0,
        quality=75,
        method=2,
    )
    return buffer.getvalue()


def heading(run: AttackRun) -> str:
    """What was attacked and how, in one line."""
    config = run.config
    stopped = "" if run.is_complete else f", stopped at step {run.report['step']}"
    return f"Identity {config.identity}, preset {config.preset}, seed {config.seed}{stopped}"


def facts_line(run: AttackRun) -> str:
    """Where and when it ran."""
    report = run.report
    return (
        f"{'Recorded' if run.is_recorded else 'Computed'} {report['date'][:16].replace('T', ' ')} "
        f"UTC on {report['device'].upper()} ({report['precision']}) in {report['seconds']:.1f} s"
        f"{', commit ' + report['commit'] if report.get('commit') else ''}"
    )


def _frame(
    run: AttackRun, replay: Replay, pictures: npt.NDArray[np.uint8], number: int
) -> Image.Image:
    moment = replay.moments[number]
    width = GAP + len(replay.lanes) * (TILE + GAP)
    image = Image.new("RGB", (width, GAP + LINE + TILE + 2 * LINE + GAP + LINE), BACKGROUND)
    draw = ImageDraw.Draw(image)
    where = {"sampling": "start", "done": "result"}.get(
        moment.stage, f"step {moment.step} of {moment.total_steps}"
    )
    for position, (name, lane) in enumerate(zip(replay.lanes, moment.lanes, strict=True)):
        x = GAP + position * (TILE + GAP)
        _write(draw, (x, GAP // 2), name, INK, 15)
        image.paste(_tile(pictures[position], TILE), (x, GAP + LINE))
        is_right = lane.evaluator_top1 == run.config.identity
        y = GAP + LINE + TILE + 2
        _write(draw, (x, y), f"confidence {lane.target_confidence:.0%}", INK, 14)
        verdict = f"evaluator says {lane.evaluator_top1}"
        _write(draw, (x, y + LINE), verdict, RED if is_right else FAINT, 14)
    label = f"Identity {run.config.identity}, {where}"
    _write(draw, (GAP, image.height - LINE), label, FAINT, 13)
    return image


def _tile(picture: npt.NDArray[np.uint8], size: int) -> Image.Image:
    return Image.fromarray(picture).resize((size, size), Image.Resampling.BICUBIC)


def _write(draw: ImageDraw.ImageDraw, at: tuple[int, int], text: str, ink: str, size: int) -> None:
    draw.text(at, text, fill=ink, font=ImageFont.load_default(size))
