"""The README stays short; everything else is in docs/."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
MAX_WORDS = 600


def test_the_readme_is_short_and_its_links_lead_somewhere() -> None:
    text = (ROOT / "README.md").read_text("utf-8").split("---", 2)[2]
    assert len(re.findall(r"\S+", text)) <= MAX_WORDS
    links = re.findall(r"\]\(([^)#]+)\)", text.replace("\n", " "))
    local = [link for link in links if not link.startswith("http")]
    assert "docs/attack.webp" in local
    assert [link for link in local if not (ROOT / link).exists()] == []
