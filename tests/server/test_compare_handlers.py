"""The compare page where there is nothing to compare yet."""

from __future__ import annotations

from pathlib import Path

import pytest

from mia_demo.errors import ConfigError
from mia_demo.system.device import choose_compute
from mia_demo.ui.compare.handlers import CompareHandlers
from mia_demo.ui.engine.engine import Engine
from mia_demo.zoo.folder import EMBEDDED_ZOO, FolderZoo


def test_a_zoo_without_recorded_results_has_an_empty_page(tmp_path: Path) -> None:
    for path in EMBEDDED_ZOO.iterdir():
        if path.is_file():
            (tmp_path / path.name).symlink_to(path)
    engine = Engine(FolderZoo(tmp_path), choose_compute("cpu"), tmp_path / "runs")
    choice, *components = CompareHandlers(engine).open()
    assert choice["choices"] == []
    assert components == [{"key": ""}, {}, {}, {}, {}, {}]


def test_a_download_of_anything_else_is_refused(tmp_path: Path) -> None:
    handlers = CompareHandlers(Engine(FolderZoo(EMBEDDED_ZOO), choose_compute("cpu"), tmp_path))
    with pytest.raises(ConfigError, match=r"no results '\.\./manifest'"):
        handlers.download("../manifest", "json")
    with pytest.raises(ConfigError, match="no 'exe' download"):
        handlers.download("results/standard", "exe")


def test_trainings_of_one_target_share_its_colour_and_their_average_comes_first(
    tmp_path: Path,
) -> None:
    handlers = CompareHandlers(Engine(FolderZoo(EMBEDDED_ZOO), choose_compute("cpu"), tmp_path))
    summary, leakage, _, _, table, _ = handlers.choose("results/trainings")
    lanes = {row["cells"][0]["value"]: row["style"] for row in table["rows"]}
    assert list(lanes)[:3] == ["positive", "zero", "negative"]
    assert lanes["zero"] == lanes["zero@42"] == lanes["zero@44"] != lanes["negative"]
    assert "averages over the trainings" in table["note"]
    assert "@" not in summary["headline"]
    assert [bar["lane"] for bar in leakage["lanes"]] == ["positive", "zero", "negative"]


def test_recorded_results_have_plain_names(tmp_path: Path) -> None:
    handlers = CompareHandlers(Engine(FolderZoo(EMBEDDED_ZOO), choose_compute("cpu"), tmp_path))
    names = {key: name for name, key in handlers.open()[0]["choices"]}
    assert names["results/standard"] == "Standard attack × 100"
    assert names["results/poincare"] == "Poincaré loss × 100"
    assert len(set(names.values())) == len(names)
