"""The HTML report: complete, self-contained, and nothing in it is code."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np

from mia_demo.report.html import sweep_html
from mia_demo.sweep.results import SweepResults

PHOTOS = np.zeros((2, 8, 8, 3), dtype=np.uint8)


class Page(HTMLParser):
    """Tags with their attributes, and all text outside the style sheet."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words = ""
        self._in_style = False
        self.feed(source)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._in_style = tag == "style"

    def handle_endtag(self, tag: str) -> None:
        self._in_style = False

    def handle_data(self, data: str) -> None:
        self.words += "" if self._in_style else data + " "


def test_it_states_the_record(results: SweepResults) -> None:
    words = Page(sweep_html(results, PHOTOS)).words
    for fact in (
        "Recorded on 2026-01-02 with seeds 0, 5, commit 0123456789ab, on CPU (fp32)",
        "2026-01-02 03:04:05",
        "preset",
        "steps",
        "40",
        "torch",
        "2.9",
        "prior",
        "aa",
    ):
        assert fact in words, fact


def test_it_shows_figures_reasons_and_verdicts(results: SweepResults) -> None:
    words = Page(sweep_html(results, PHOTOS)).words
    assert "95%: 48.0% to 52.0%" in words
    assert "too few samples" in words
    assert "negative leaks most" in words
    assert "✗ wrong: says 54" in words
    assert "3 of 4 right" in words  # identity 7, lane zero: three of four over both seeds
    assert words.count("✓ right") == 3


def test_pictures_are_inside_and_nothing_is_fetched(results: SweepResults) -> None:
    source = sweep_html(results, PHOTOS)
    page = Page(source)
    pictures = [attributes for tag, attributes in page.tags if tag == "img"]
    assert len(pictures) == 2 * 3
    assert all((p["src"] or "").startswith("data:image/jpeg;base64,") for p in pictures)
    assert all(p["alt"] for p in pictures)
    assert not {"script", "link", "iframe"} & {tag for tag, _ in page.tags}
    assert not re.search(r"https?://|url\(|@import", source)


def test_it_tells_what_leaks_about_the_person(results: SweepResults) -> None:
    words = Page(sweep_html(results, PHOTOS)).words
    assert "What leaks about the person" in words
    assert "75.0%" in words


def test_hostile_names_stay_text(results: SweepResults) -> None:
    name = '<script>alert("x")</script>'
    hostile = replace(
        results,
        record=replace(results.record, commit=name, lanes=[name, "negative"]),
        rows=[replace(results.rows[0], lane=name), results.rows[1]],
        attacks={name: results.attacks["zero"], "negative": results.attacks["negative"]},
    )
    page = Page(sweep_html(hostile, PHOTOS))
    assert "script" not in {tag for tag, _ in page.tags}
    assert name in page.words
    assert any(name in (attributes.get("alt") or "") for _, attributes in page.tags)
