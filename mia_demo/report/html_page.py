"""Pieces of HTML files that need nothing else: no scripts, no network.

Built as an element tree, which escapes every text and attribute.
"""

from __future__ import annotations

from pathlib import Path
from xml.etree.ElementTree import Element, SubElement, tostring

import numpy as np
import numpy.typing as npt

from mia_demo.data.pictures import data_uri

STYLE = Path(__file__).parent / "templates" / "report.css"


def new_page(title: str) -> tuple[Element, Element]:
    """A page with its style and heading, and its body."""
    page = Element("html", lang="en")
    head = SubElement(page, "head")
    SubElement(head, "meta", charset="utf-8")
    SubElement(head, "meta", name="viewport", content="width=device-width, initial-scale=1")
    add_text(head, "title", title)
    add_text(head, "style", STYLE.read_text("utf-8"))
    body = SubElement(page, "body")
    add_text(body, "h1", title)
    return page, body


def page_text(page: Element) -> str:
    return "<!doctype html>\n" + tostring(page, encoding="unicode", method="html")


def add_text(parent: Element, tag: str, text: str, **attributes: str) -> Element:
    child = SubElement(parent, tag, attributes)
    child.text = text
    return child


def add_picture(parent: Element, pixels: npt.NDArray[np.uint8], alt: str) -> Element:
    figure = SubElement(parent, "figure")
    SubElement(figure, "img", src=data_uri(pixels), alt=alt)
    return figure


def add_facts(parent: Element, title: str, facts: dict[str, str]) -> None:
    add_text(parent, "h3", title)
    table = SubElement(parent, "table", {"class": "facts"})
    for name, value in facts.items():
        line = SubElement(table, "tr")
        add_text(line, "th", name, scope="row")
        add_text(line, "td", value)
