"""Recorded results: shipped whole, quoted exactly."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from mia_demo.errors import DataError
from mia_demo.recipes.record import quote_results, record_sweep, recorded_names, requoted
from mia_demo.report.text import as_markdown
from mia_demo.sweep.results import load_results
from mia_demo.zoo.folder import FolderZoo
from mia_demo.zoo.manifest import MANIFEST
from mia_demo.zoo.reading import Zoo

ROOT = Path(__file__).parents[3]


@pytest.fixture
def own_zoo(zoo: Zoo, tmp_path: Path) -> Zoo:
    """The embedded zoo without recorded results, in a folder that may be written."""
    root = tmp_path / "zoo"
    root.mkdir()
    for path in zoo.root.iterdir():
        if path.is_file() and path.name != MANIFEST:
            (root / path.name).symlink_to(path)
    shutil.copy(zoo.root / MANIFEST, root)
    (root / "README.md").unlink(missing_ok=True)
    return FolderZoo(root)


def test_a_recorded_sweep_is_on_the_card_and_quoted(zoo: Zoo, own_zoo: Zoo, tmp_path: Path) -> None:
    sweep = zoo.root / "results" / "standard"
    record_sweep(own_zoo, sweep, "mine")
    record_sweep(own_zoo, sweep, "standard")
    assert recorded_names(own_zoo) == ["standard", "mine"]
    recorded = load_results(own_zoo.root / "results" / "mine")
    assert recorded.rows == load_results(sweep).rows
    assert as_markdown(recorded.rows) in (own_zoo.root / "README.md").read_text("utf-8")
    text = tmp_path / "text.md"
    text.write_text("before\n<!-- results: mine -->\nold <!-- end of results -->\nafter\n")
    quote_results(own_zoo, text)
    quoted = text.read_text("utf-8")
    assert quoted.startswith("before\n<!-- results: mine -->\nRecorded on ")
    assert quoted.endswith("<!-- end of results -->\nafter\n")
    assert "old" not in quoted
    assert as_markdown(recorded.rows, main_only=True) in quoted


@pytest.mark.parametrize("name", ["../up", "", "Standard", "a b"])
def test_names_of_results_are_plain_words(own_zoo: Zoo, name: str) -> None:
    with pytest.raises(DataError, match="not a valid name for results"):
        record_sweep(own_zoo, own_zoo.root / "results" / "standard", name)


TEXTS = ["README.md", "docs/results.md", "docs/experiments.md"]


@pytest.mark.parametrize("text", TEXTS)
def test_shipped_texts_quote_the_recorded_figures(zoo: Zoo, text: str) -> None:
    written = (ROOT / text).read_text("utf-8")
    assert "<!-- end of results -->" in written
    assert requoted(zoo, written) == written


def test_the_readme_is_short_and_its_table_says_what_each_lane_gives_away(zoo: Zoo) -> None:
    text = (ROOT / "README.md").read_text("utf-8").split("---", 2)[2]
    assert len(text.split()) <= 600
    assert re.findall(r"^\| (positive|zero|negative) \|", text, re.MULTILINE) == [
        "positive", "zero", "negative",
    ]  # fmt: skip


def test_links_of_the_texts_lead_somewhere() -> None:
    for text in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]:
        for link in re.findall(r"\]\(([^)#:]+)[^):]*\)", text.read_text("utf-8")):
            assert (text.parent / link).exists(), f"{text.name}: {link}"
