"""The lesson on paper: a page of questions, and one of answers."""

from collections.abc import Sequence
from urllib.parse import urlsplit

import numpy as np
import numpy.typing as npt

from mia_demo.errors import DataError
from mia_demo.lesson.figures import Figures
from mia_demo.lesson.steps import PERSON, LessonStep
from mia_demo.report.templates import render

SHOWN_FACES = 8
PRINTED_SIZE = 96  # pixels
Captioned = tuple[str, npt.NDArray[np.uint8]]  # words and picture


def worksheet(steps: Sequence[LessonStep], figures: Figures, origin: str = "") -> str:
    """One HTML file that needs nothing else and prints on A4.

    Args:
        origin: where the browser found the page, such as ``http://192.168.0.7:7860/``; empty
            leaves the links out. A loopback address is no use to a class: the sheet then has
            a line to write the right one on.
    """
    answers = [_answer(step, figures) for step in steps]
    return render(
        "worksheet.html",
        title="Be careful what you smooth for: a lesson",
        steps=steps,
        has_links=bool(origin),
        origin="" if _is_loopback(origin) else origin,
        answers=answers,
        faces=_faces(figures),
        results=_results(figures),
        sources=figures.sources(),  # of the figures that the answers asked for
    )


def _faces(figures: Figures) -> list[Captioned]:
    """A photo of each of the first people."""
    people = figures.zoo.identities()
    numbers = list(range(min(SHOWN_FACES, len(people))))
    photos, _ = people.tensors(PRINTED_SIZE, labels=numbers, indices=[0])
    return [
        (f"identity {number}", photo.permute(1, 2, 0).numpy())
        for number, photo in zip(numbers, photos, strict=True)
    ]


def _results(figures: Figures) -> list[Captioned]:
    """The person of the lesson, and what the recorded attacks drew; nothing where none are."""
    try:
        results = figures.sweep("standard")
    except DataError:
        return []
    if PERSON not in results.record.identities:
        return []
    photo, _ = figures.zoo.identities().tensors(PRINTED_SIZE, labels=[PERSON], indices=[0])
    shown = [(f"identity {PERSON}, photo", photo[0].permute(1, 2, 0).numpy())]
    for lane in results.record.lanes:
        attack = next(one for one in results.attacks[lane] if one.identity == PERSON)
        seen = attack.top1[0]
        verdict = "recognised" if seen == PERSON else f"taken for {seen}"
        shown.append((f"{lane}: {verdict}", results.picture(lane, PERSON)))
    return shown


def _is_loopback(origin: str) -> bool:
    host = urlsplit(origin).hostname or ""
    return host in ("localhost", "::1") or host.startswith("127.")


def _answer(step: LessonStep, figures: Figures) -> tuple[LessonStep, str, tuple[str, ...]]:
    """The step, its right choice and what follows from it, or why there are no figures."""
    try:
        revealed = step.reveal(figures)
    except DataError as error:
        return step, "", (str(error),)
    if revealed.answer is None:
        return step, "For discussion.", revealed.paragraphs
    return step, step.choices[revealed.answer], revealed.paragraphs
