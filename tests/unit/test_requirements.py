"""What requirements.txt promises."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from tests.lowest import REQUIREMENTS, lowest, requirements
from tests.unit.test_layout import imports_of

ROOT = Path(__file__).parents[2]

# Packages whose import has another name, and those that come with a package that is listed.
PACKAGES = {
    **{"PIL": "pillow", "huggingface_hub": "huggingface-hub"},
    "python_multipart": "python-multipart",
    **{"starlette": "gradio", "uvicorn": "gradio"},
}
# Where a Space lends GPUs, which installs it.
OPTIONAL = {"spaces"}


def listed() -> list[str]:
    return requirements(REQUIREMENTS.read_text("utf-8"))


def test_every_package_that_is_imported_is_listed() -> None:
    modules = set().union(*map(imports_of, [ROOT / "app.py", *(ROOT / "mia_demo").rglob("*.py")]))
    names = {name.partition(".")[0] for name in modules}
    foreign = names - set(sys.stdlib_module_names) - {"mia_demo"} - OPTIONAL
    needed = {PACKAGES.get(name, name) for name in foreign}
    assert needed - {Requirement(line).name for line in listed()} == set()


def test_every_package_is_listed_once_and_has_a_lower_bound() -> None:
    pinned = [lowest(line) for line in listed()]
    names = [line.partition("==")[0] for line in pinned]
    assert len(names) == len(set(names)) > 10


def test_a_bound_known_to_be_broken_is_not_the_lowest() -> None:
    assert lowest("torch>=2.8,<3,!=2.13.0") == "torch==2.8"
    assert lowest("a>=1.9,>=1.10") == "a==1.10"  # versions, not texts
    # Its import needs a package that it does not declare.
    (hub,) = (Requirement(line) for line in listed() if line.startswith("huggingface-hub"))
    assert not hub.specifier.contains("1.16.0")


@pytest.mark.parametrize(
    ("line", "message"), [("a<3", "no lower bound"), ("a>=1,!=1", "its own lower bound")]
)
def test_a_bound_that_says_nothing_is_an_error(line: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        lowest(line)


def test_comments_and_options_are_no_requirements() -> None:
    assert requirements("-r other.txt\n# why\na>=1  # because\n\n") == ["a>=1"]
