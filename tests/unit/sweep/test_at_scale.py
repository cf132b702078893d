"""What the shipped zoo never asks for: more people, lanes, candidates; networks from elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mia_demo.attack.attack import Attacker
from mia_demo.attack.config import preset_config
from mia_demo.attack.frames import AttackFrame, LaneFrame
from mia_demo.data.pictures import read_picture, shrunk, write_sheet
from mia_demo.errors import ConfigError
from mia_demo.recipes.variants import make_variants, training_seed_variants
from mia_demo.report.contact_sheet import nearest_photos
from mia_demo.report.findings import find
from mia_demo.runs.replay import ReplayRecorder
from mia_demo.sweep.board import load_rows, save_row
from mia_demo.sweep.board_joining import joined
from mia_demo.sweep.judging import Judge
from mia_demo.sweep.pooling import compare_with_zero, pool_trainings
from mia_demo.sweep.results import SweepResults
from mia_demo.sweep.rows import LaneRow, row_from_json, row_to_json
from mia_demo.sweep.sweep import SweepPlan, run_sweep
from mia_demo.training.config import TrainConfig
from mia_demo.zoo.folder import FolderZoo
from mia_demo.zoo.reading import Zoo
from tests.server.test_shield_page import row
from tests.tiny_zoo import COMPUTE, make_tiny_zoo

MakeRow = Callable[..., LaneRow]


@pytest.fixture
def tiny(tmp_path: Path) -> FolderZoo:
    make_tiny_zoo(tmp_path / "zoo")
    return FolderZoo(tmp_path / "zoo")


def test_a_sheet_that_webp_could_not_hold_is_written_smaller(tmp_path: Path) -> None:
    """Such as 300 people at the paper's 299 pixels."""
    shades = np.arange(300, dtype=np.uint8)[None, :, None, None, None]
    pictures = np.broadcast_to(shades, (2, 300, 64, 64, 3))
    write_sheet(tmp_path / "sheet.webp", pictures)
    pixels = read_picture(tmp_path / "sheet.webp", "WEBP")
    assert pixels.shape == (2 * 54, 300 * 54, 3)
    found = pixels.reshape(2, 54, 300, 54, 3)[:, 27, :, 27].astype(int)
    assert abs(found - shades[0, None, :, 0, 0]).max() <= 4


def test_a_row_with_smaller_pictures_gains_people(tmp_path: Path) -> None:
    folders = tmp_path / "old", tmp_path / "new"
    for folder, people, side in zip(folders, ([0, 1], [2]), (16, 24), strict=True):
        whole = row("zero", "sha", taa=0.5)
        cell = replace(
            whole.cells["taa"], identities=people, top1=people,
            **{name: replace(whole.cells["taa"].acc1, people=[0.5] * len(people))
               for name in ("acc1", "face_rank1", "sure", "convinced_but_wrong")},
        )  # fmt: skip
        record = replace(whole.record, identities=people)
        pictures = np.full((1, len(people), side, side, 3), 90, dtype=np.uint8)
        save_row(replace(whole, cells={"taa": cell}, record=record), pictures, folder)
    (old,), (new,) = map(load_rows, folders)
    both, pictures = joined(old, folders[0], new, folders[1])
    assert both.record.identities == [0, 1, 2]
    assert pictures.shape == (1, 3, 16, 16, 3)


def test_a_recording_of_many_lanes_fits_its_sheet() -> None:
    picture = np.full((1, 128, 128, 3), 90, dtype=np.uint8)
    lanes = tuple(
        LaneFrame(f"lane{n}", 0.0, None, picture, (0.5,), 0, (0,), (0.5,), 0.0, 0.5)
        for n in range(40)
    )
    recorder = ReplayRecorder()
    for step in range(1, 61):
        recorder.add(AttackFrame("optimisation", step, 60, 1.0, lanes))
    replay = recorder.replay()
    assert len(replay.moments) == 60
    assert replay.pictures().shape[:3] == (40, 60, 109)


def test_candidates_in_chunks_share_one_curve(tiny: FolderZoo, tmp_path: Path) -> None:
    config = preset_config(
        "quick", lanes=("zero",), steps=3, candidates=6, batch_size=2, kept=2, selection_rounds=1
    )
    plan = SweepPlan(config, (1,), (0,), tmp_path / "sweep")
    list(run_sweep(Attacker(tiny, COMPUTE), Judge(tiny, COMPUTE), plan))
    curve = plan.result(0, 1)["lanes"]["zero"]["curve"]
    assert [point["step"] for point in curve] == [0, 1, 2]


def test_who_cannot_be_attacked_or_judged_is_named_before_the_first_attack(
    tiny: FolderZoo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = preset_config("quick", lanes=("zero",), steps=1, candidates=2, kept=2)
    attacker, judge = Attacker(tiny, COMPUTE), Judge(tiny, COMPUTE)
    with pytest.raises(ConfigError, match=r"Identity 7 does not exist; .* from 0 to 2"):
        next(run_sweep(attacker, judge, SweepPlan(config, (0, 7), (0,), tmp_path / "sweep")))
    whole = tiny.split_items(tiny.identities())
    some = {**whole, "train": [item for item in whole["train"] if item[0] != 2]}
    monkeypatch.setattr(tiny, "split_items", lambda identities: some)
    with pytest.raises(ConfigError, match=r"nobody can be judged; leave out 2\."):
        next(run_sweep(attacker, judge, SweepPlan(config, (0, 2), (0,), tmp_path / "sweep")))
    assert not (tmp_path / "sweep").exists()


def test_the_nearest_photo_is_counted_among_training_photos(
    zoo: Zoo, results: SweepResults, monkeypatch: pytest.MonkeyPatch
) -> None:
    identities = zoo.identities()
    every_other = list(range(1, 51, 2))
    train = [(label, index) for label in range(len(identities)) for index in every_other]
    monkeypatch.setattr(zoo, "split_items", lambda people: {"train": train})
    photos = nearest_photos(results, zoo, identities)
    expected, _ = identities.items(8, [(3, every_other[4]), (7, every_other[2])])
    assert np.array_equal(photos, expected.permute(0, 2, 3, 1).numpy())


def test_another_defence_is_no_baseline_and_no_evidence(make_row: MakeRow) -> None:
    rows = [
        replace(make_row("bido", 0, 0.1), defence="bido"),
        make_row("negative>zero>negative", 0, 0.2),
        make_row("zero", 0, 0.5),
        make_row("negative", -0.05, 0.2),
    ]
    compared = {row.lane: row for row in compare_with_zero(rows)}
    assert compared["zero"].acc1_difference is None
    assert compared["negative"].acc1_difference.value == pytest.approx(-0.3)
    assert compared["bido"].acc1_difference.value == pytest.approx(-0.4)
    assert row_from_json(row_to_json(compared["bido"])).defence == "bido"
    assert "bido" not in find([rows[0], rows[3]], 100).verdict
    assert find([rows[0], rows[3]], 100).agreement == ""


def test_trainings_mixed_by_stage_are_not_one_target(make_row: MakeRow) -> None:
    lanes = ("zero@1>negative@1>zero@1", "zero@1>zero@1>zero@1")
    assert pool_trainings([make_row(lane, 0, 0.5) for lane in lanes]) == []


def test_converted_targets_are_kept_and_nothing_is_trained_like_them(
    tiny: FolderZoo, tmp_path: Path
) -> None:
    """It is not known how they were trained."""
    with pytest.raises(ConfigError, match="'positive' was trained is not known"):
        training_seed_variants(tiny, [42])
    config = TrainConfig(arguments={"width": 4}, input_size=16, epochs=1)
    names = tiny.target_names()
    made = make_variants(
        tiny, {"new": config}, tmp_path / "made", COMPUTE, lambda line: None, kept=names
    )
    for name in names:
        assert made.entry(name).stored.sha256 == tiny.entry(name).stored.sha256
    assert made.entry("new").stored.sha256 not in {made.entry(name).stored.sha256 for name in names}


def test_two_processes_keep_each_others_checkpoints(tiny: FolderZoo, tmp_path: Path) -> None:
    one, other = FolderZoo.create(tmp_path / "both"), FolderZoo.create(tmp_path / "both")
    one.adopt(tiny, tiny.entry("zero"), "zero")
    other.adopt(tiny, tiny.entry("negative"), "negative")
    assert FolderZoo(tmp_path / "both").target_names() == ["zero", "negative"]
    one.remove("zero")
    assert FolderZoo(tmp_path / "both").target_names() == ["negative"]


def test_a_large_sheet_of_our_own_is_read(tmp_path: Path) -> None:
    path = tmp_path / "sheet.webp"
    write_sheet(path, np.zeros((1, 2, 8, 8, 3), dtype=np.uint8))
    assert read_picture(path, "WEBP", most=128).shape == (8, 16, 3)
    with pytest.raises(ValueError, match="too many"):
        read_picture(path, "WEBP", most=127)
    assert shrunk(np.zeros((8, 8, 3), dtype=np.uint8), 4).shape == (4, 4, 3)
