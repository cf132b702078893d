"""Recorded and own sweeps are found, ordered and told apart; pictures keep their places."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mia_demo.data.pictures import sprite
from mia_demo.errors import ConfigError
from mia_demo.report.columns import TABLE_COLUMNS, present_columns
from mia_demo.report.contact_sheet import contact_sheet, nearest_photos
from mia_demo.sweep.library import ResultsLibrary
from mia_demo.sweep.results import RESULTS_FILE, SweepResults, save_results
from mia_demo.sweep.rows import row_from_json, row_to_json
from mia_demo.zoo.folder import EMBEDDED_ZOO, FolderZoo
from mia_demo.zoo.reading import Zoo


@pytest.fixture
def library(tmp_path: Path) -> ResultsLibrary:
    return ResultsLibrary(FolderZoo.create(tmp_path / "zoo"), tmp_path / "runs")


def test_recorded_come_first_then_own_newest_first(
    library: ResultsLibrary, results: SweepResults
) -> None:
    assert library.sweeps() == []
    newer = replace(results, record=replace(results.record, date="2026-02-03T00:00:00+00:00"))
    for folder, found in (
        (library.zoo.root / "results" / "alphas", results),
        (library.zoo.root / "results" / "standard", results),
        (library.runs / "old", results),
        (library.runs / "new", newer),
    ):
        save_results(found, folder)
    (library.runs / "broken").mkdir()
    (library.runs / "broken" / "results.json").write_text("{")
    keys = [sweep.key for sweep in library.sweeps()]
    assert keys == ["results/standard", "results/alphas", "runs/new", "runs/old"]
    assert [sweep.is_recorded for sweep in library.sweeps()] == [True, True, False, False]
    assert library.sweep("runs/old").load().rows == results.rows


@pytest.mark.parametrize("key", ["", "../secret", "/etc", "runs/../runs/old"])
def test_a_key_is_no_path(library: ResultsLibrary, results: SweepResults, key: str) -> None:
    save_results(results, library.runs / "old")
    with pytest.raises(ConfigError, match="no results"):
        library.sweep(key)


def test_other_checkpoints_are_named(zoo: Zoo, results: SweepResults, tmp_path: Path) -> None:
    library = ResultsLibrary(zoo, tmp_path)
    assert library.caveat(results.record).startswith(
        "Recorded with other weights than this zoo has now: prior,"
    )
    elsewhere = replace(results.record, checkpoints={"alpha-0.1": "aa"})
    assert library.caveat(elsewhere) == ("Not in this zoo, so not to be attacked live: alpha-0.1.")
    zero = zoo.entry("zero").stored.sha256
    for name in ("zero", "zero@42"):  # a training seed of it that is the zoo's own
        same = replace(results.record, checkpoints={name: zero})
        assert library.caveat(same) == ""


def test_the_shipped_results_belong_to_the_shipped_zoo(zoo: Zoo, tmp_path: Path) -> None:
    library = ResultsLibrary(zoo, tmp_path)
    standard = library.sweep("results/standard")
    assert library.caveat(standard.record) == ""
    assert len(standard.load().record.identities) == 100


def test_tiles_show_the_first_seed_and_count_all(results: SweepResults) -> None:
    tiles = {(tile.identity, tile.lane): tile for row in contact_sheet(results) for tile in row}
    wrong = tiles[7, "zero"]
    assert (wrong.top1, wrong.is_recognised, wrong.hits, wrong.kept) == (54, False, 3, 4)
    assert tiles[7, "negative"].is_recognised


def test_the_photo_is_the_one_that_reconstructions_came_nearest_to(
    zoo: Zoo, results: SweepResults
) -> None:
    identities = zoo.identities()
    photos = nearest_photos(results, zoo, identities)
    expected, _ = identities.items(8, [(3, 4), (7, 2)])
    assert np.array_equal(photos, expected.permute(0, 2, 3, 1).numpy())


def test_a_sprite_keeps_every_picture_in_its_cell() -> None:
    pictures = np.random.default_rng(0).integers(0, 256, (5, 4, 4, 3), dtype=np.uint8)
    sheet = sprite(pictures, columns=3)
    assert sheet.shape == (8, 12, 3)
    assert np.array_equal(sheet[4:8, 4:8], pictures[4])
    assert not sheet[4:8, 8:12].any()


def test_columns_tolerate_missing_and_unknown_figures() -> None:
    always = dict.fromkeys(("test_accuracy", "acc5", "delta_eval", "delta_face"))
    row = row_from_json({"lane": "zero", "alpha": -0.05, "acc1": 0.5, "someday": [1, 2], **always})
    columns = present_columns([row])
    assert [column.key for column in columns] == [
        "lane", "alpha", "test_accuracy", "acc1", "acc5", "delta_face", "delta_eval",
    ]  # fmt: skip
    assert [column.cell(row).text for column in columns[:4]] == ["zero", "−0.05", "–", "50.0%"]
    assert len({column.key for column in TABLE_COLUMNS}) == len(TABLE_COLUMNS)


@pytest.mark.parametrize("name", ["alphas", "poincare", "stages", "standard", "trainings"])
def test_recorded_rows_are_read_and_written_to_the_byte(zoo: Zoo, name: str) -> None:
    written = json.loads((zoo.root / "results" / name / "results.json").read_text("utf-8"))["rows"]
    again = [row_to_json(row_from_json(row)) for row in written]
    assert json.dumps(again) == json.dumps(written)


@pytest.mark.parametrize(
    "damage",
    [
        {"acc1": "x"},
        {"acc1_ci95": [0.5]},
        {"acc1_identities": {"0": 1.0}},
        {"alpha": []},
        {"lane": 5},
        {"attributes": [1]},
        {"refused": 7},
    ],
)
def test_a_row_with_a_damaged_value_is_refused(damage: dict[str, Any]) -> None:
    written = json.loads((EMBEDDED_ZOO / "results" / "standard" / RESULTS_FILE).read_text("utf-8"))
    row = written["rows"][0]
    assert row_to_json(row_from_json(row)) == row
    with pytest.raises(ValueError, match=next(iter(damage)).removesuffix("_ci95")[:4]):
        row_from_json({**row, **damage})
