"""The Space card in the README, and what is different on a Space."""

from __future__ import annotations

from pathlib import Path

import pytest
from huggingface_hub import metadata_load
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[3]
COLOURS = {"red", "yellow", "green", "blue", "indigo", "purple", "pink", "gray"}


def requirements() -> dict[str, Requirement]:
    lines = (ROOT / "requirements.txt").read_text("utf-8").splitlines()
    return {(needed := Requirement(line)).name: needed for line in lines}


def test_the_card_is_one_that_a_space_starts_with() -> None:
    card = metadata_load(ROOT / "README.md")
    assert card is not None
    assert (ROOT / card["app_file"]).is_file()
    assert requirements()["gradio"].specifier.contains(card["sdk_version"])
    assert card["sdk"] == "gradio"
    assert card["python_version"] in ("3.10", "3.12")  # those of ZeroGPU
    assert {card["colorFrom"], card["colorTo"]} <= COLOURS
    assert len(card["short_description"]) <= 60
    assert card["license"] == "apache-2.0"


@pytest.mark.parametrize("version", ["2.8.0", "2.9.1", "2.10.0", "2.11.0"])
def test_torch_may_be_any_that_zero_gpu_has(version: str) -> None:
    assert requirements()["torch"].specifier.contains(version)


def test_no_file_needs_large_file_storage() -> None:
    assert max(path.stat().st_size for path in (ROOT / "checkpoints").rglob("*")) < 10_000_000
