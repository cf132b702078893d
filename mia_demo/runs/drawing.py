"""An attack as one picture or as an animation: photo and lanes side by side, with verdicts."""

import io

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from mia_demo.runs.attack_run import AttackRun
from mia_demo.runs.replay import Replay
from mia_demo.smoothing import format_alpha

# Sizes in pixels.
TILE = 160  # of a picture in the animation
SMALL_TILE = 96  # of a picture on the sheet
GAP = 12
FRAME = 5
LINE = 20  # height of a line of text
BACKGROUND, INK, FAINT, RED = "white", "#1e293b", "#475569", "#b91c1c"
FRAME_MS, LAST_MS = 160, 2500
MAX_ON_SHEET = 10  # pictures per lane


def sheet_png(run: AttackRun, photo: npt.NDArray[np.uint8] | None) -> bytes:
    """A row of kept pictures per lane, with whom the evaluator sees in each.

    Args:
        photo: uint8 [R, R, 3], a training photo; None if the zoo has no such identity.

    Raises:
        DataError: a picture is damaged.
    """
    lanes = run.config.lanes
    kept = {lane: run.pictures(lane)[:MAX_ON_SHEET] for lane in lanes}
    columns = max(len(pictures) for pictures in kept.values())
    left = GAP + SMALL_TILE + GAP
    row = 2 * LINE + SMALL_TILE + LINE + GAP
    size = (max(left + columns * (SMALL_TILE + GAP), 620), 2 * GAP + LINE + len(lanes) * row + LINE)
    image = Image.new("RGB", size, BACKGROUND)
    draw = ImageDraw.Draw(image)
    _write(draw, (GAP, GAP), run.heading(), INK, 16)
    top = 2 * GAP + LINE
    if photo is not None:
        image.paste(_tile(photo, SMALL_TILE), (GAP, top + 2 * LINE))
        _write(draw, (GAP, top + 2 * LINE + SMALL_TILE + 2), "training photo", FAINT, 13)
    for number, lane in enumerate(lanes):
        report = run.report["lanes"][lane]
        y = top + number * row
        # The font that comes with Pillow has no Greek.
        words = f"{lane}, alpha = {format_alpha(report['alpha'])}"
        _write(draw, (left, y + LINE // 2), words, INK, 15)
        for k, picture in enumerate(kept[lane]):
            x = left + k * (SMALL_TILE + GAP)
            image.paste(_tile(picture, SMALL_TILE), (x, y + 2 * LINE))
            seen = report["evaluator_top1"][k]
            is_right = seen == run.config.identity
            mark = f"{'right' if is_right else 'wrong'}: says {run.called(seen)}"
            _write(draw, (x, y + 2 * LINE + SMALL_TILE + 2), mark, RED if is_right else FAINT, 13)
    _write(draw, (GAP, size[1] - LINE), run.origin_line(), FAINT, 12)
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def animation(run: AttackRun, replay: Replay, photo: npt.NDArray[np.uint8] | None) -> bytes:
    """The attack as a looping animated WebP; a frame is red where the face is recognised.

    Args:
        photo: as for ``sheet_png``.

    Raises:
        DataError: the recording is damaged.
    """
    pictures = replay.pictures()
    frames = [
        _frame(run, replay, number, pictures[:, number], photo)
        for number in range(len(replay.moments))
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


def _frame(
    run: AttackRun,
    replay: Replay,
    number: int,
    pictures: npt.NDArray[np.uint8],
    photo: npt.NDArray[np.uint8] | None,
) -> Image.Image:
    moment = replay.moments[number]
    columns = len(replay.lanes) + (photo is not None)
    size = (GAP + columns * (TILE + GAP), GAP + LINE + TILE + GAP + LINE + GAP + LINE)
    image = Image.new("RGB", size, BACKGROUND)
    draw = ImageDraw.Draw(image)
    where = {"sampling": "start", "done": "result"}.get(
        moment.stage, f"step {moment.step} of {moment.total_steps}"
    )
    x, y = GAP, GAP + LINE
    if photo is not None:
        _write(draw, (x, GAP // 2), "the real photo", INK, 15)
        image.paste(_tile(photo, TILE), (x, y))
        x += TILE + GAP
    for position, (name, lane) in enumerate(zip(replay.lanes, moment.lanes, strict=True)):
        _write(draw, (x, GAP // 2), name, INK, 15)
        image.paste(_tile(pictures[position], TILE), (x, y))
        is_right = lane.evaluator_top1 == run.config.identity
        verdict = "recognised" if is_right else f"taken for {run.called(lane.evaluator_top1)}"
        if is_right:
            box = (x - FRAME, y - FRAME, x + TILE + FRAME - 1, y + TILE + FRAME - 1)
            draw.rectangle(box, outline=RED, width=FRAME)
        _write(draw, (x, y + TILE + GAP // 2), verdict, RED if is_right else FAINT, 15)
        x += TILE + GAP
    label = f"{run.subject}, {where}"
    _write(draw, (GAP, image.height - LINE), label, FAINT, 13)
    return image


def _tile(picture: npt.NDArray[np.uint8], size: int) -> Image.Image:
    return Image.fromarray(picture).resize((size, size), Image.Resampling.BICUBIC)


def _write(draw: ImageDraw.ImageDraw, at: tuple[int, int], text: str, ink: str, size: int) -> None:
    draw.text(at, text, fill=ink, font=ImageFont.load_default(size))
