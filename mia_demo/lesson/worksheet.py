"""The lesson on paper: questions first, the answers on pages of their own."""

from collections.abc import Sequence

from mia_demo.errors import DataError
from mia_demo.lesson.figures import Figures
from mia_demo.lesson.steps import LessonStep
from mia_demo.report.templates import render


def worksheet(steps: Sequence[LessonStep], figures: Figures, origin: str = "") -> str:
    """One HTML file that needs nothing else and prints on A4.

    Args:
        origin: where the page is served, such as ``http://127.0.0.1:7860/``; empty leaves the
            links out.
    """
    answers = [_answer(step, figures) for step in steps]
    return render(
        "worksheet.html",
        title="Be careful what you smooth for: a lesson",
        steps=steps,
        origin=origin,
        answers=answers,
        sources=figures.sources(),  # of the figures that the answers asked for
    )


def _answer(step: LessonStep, figures: Figures) -> tuple[LessonStep, str, tuple[str, ...]]:
    """The step, its right choice and what follows from it, or why there are no figures."""
    try:
        revealed = step.reveal(figures)
    except DataError as error:
        return step, "", (str(error),)
    if revealed.answer is None:
        return step, "For discussion.", revealed.paragraphs
    return step, step.choices[revealed.answer], revealed.paragraphs
