"""The lesson on paper: questions first, the answers on pages of their own."""

from collections.abc import Sequence
from urllib.parse import urlsplit

from mia_demo.errors import DataError
from mia_demo.lesson.figures import Figures
from mia_demo.lesson.steps import LessonStep
from mia_demo.report.templates import render


def worksheet(steps: Sequence[LessonStep], figures: Figures, origin: str = "") -> str:
    """One HTML file that needs nothing else and prints on A4.

    Args:
        origin: where the browser found the page, such as ``http://192.168.0.7:7860/``; empty
            leaves the links out. An address that only this machine knows is none for a class:
            the sheet has a line to write the right one on.
    """
    answers = [_answer(step, figures) for step in steps]
    return render(
        "worksheet.html",
        title="Be careful what you smooth for: a lesson",
        steps=steps,
        has_links=bool(origin),
        origin="" if _is_loopback(origin) else origin,
        answers=answers,
        sources=figures.sources(),  # of the figures that the answers asked for
    )


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
