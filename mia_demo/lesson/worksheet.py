"""The lesson on paper: questions first, the answers on pages of their own.

Built as an element tree, which escapes every text and attribute.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from xml.etree.ElementTree import Element, SubElement, tostring

from mia_demo.errors import DataError
from mia_demo.lesson.figures import Figures
from mia_demo.lesson.steps import Step

STYLE = Path(__file__).parents[1] / "report" / "templates" / "worksheet.css"
TITLE = "Be careful what you smooth for: a lesson"
LINES = 2  # to write on, below each question


def worksheet(steps: Sequence[Step], figures: Figures, origin: str = "") -> str:
    """One HTML file that needs nothing else and prints on A4.

    Args:
        origin: where the page is served, such as ``http://127.0.0.1:7860/``; empty leaves the
            links out.
    """
    page = Element("html", lang="en")
    head = SubElement(page, "head")
    SubElement(head, "meta", charset="utf-8")
    SubElement(head, "meta", name="viewport", content="width=device-width, initial-scale=1")
    _text(head, "title", TITLE)
    _text(head, "style", STYLE.read_text("utf-8"))
    body = SubElement(page, "body")
    _text(body, "h1", TITLE)
    minutes = sum(step.minutes for step in steps)
    _text(body, "p", f"{len(steps)} steps, about {minutes} minutes. Predict first, then look.")
    names = SubElement(body, "p", {"class": "names"})
    for label in ("Name:", "Date:"):
        _text(names, "span", label)
    for number, step in enumerate(steps, start=1):
        _add_question(body, number, step, origin)
    answers = SubElement(body, "div", {"class": "answers"})
    _text(answers, "h1", "Answers")
    for number, step in enumerate(steps, start=1):
        _add_answer(answers, number, step, figures)
    _text(answers, "h2", "Where the figures come from")
    for source in figures.sources():
        _text(answers, "p", source, "small")
    return "<!doctype html>\n" + tostring(page, encoding="unicode", method="html")


def _add_question(body: Element, number: int, step: Step, origin: str) -> None:
    section = SubElement(body, "section")
    _text(section, "h2", f"{number}. {step.title} ({step.minutes} min)")
    if origin:
        _text(section, "p", f"{origin}?{step.link}&lesson={number}", "address")
    tasks = SubElement(section, "ul")
    for task in step.do:
        _text(tasks, "li", task)
    _text(section, "p", step.question, "question")
    choices = SubElement(section, "ul", {"class": "choices"})
    for choice in step.choices:
        _text(choices, "li", choice)
    _text(section, "p", "Why do you think so?", "small")
    for _ in range(LINES):
        SubElement(section, "div", {"class": "line"})


def _add_answer(body: Element, number: int, step: Step, figures: Figures) -> None:
    section = SubElement(body, "section")
    _text(section, "h2", f"{number}. {step.title}")
    try:
        revealed = step.reveal(figures)
    except DataError as error:
        _text(section, "p", str(error))
        return
    right = "For discussion." if revealed.answer is None else step.choices[revealed.answer]
    _text(section, "p", right, "right")
    for paragraph in revealed.paragraphs:
        _text(section, "p", paragraph)


def _text(parent: Element, tag: str, text: str, css_class: str = "") -> None:
    element = SubElement(parent, tag, {"class": css_class} if css_class else {})
    element.text = text
