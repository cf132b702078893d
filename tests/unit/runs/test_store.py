"""Runs on disk: whole or not at all, found by listing, bounded."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from mia_demo.attack.frames import AttackFrame
from mia_demo.errors import ConfigError, DataError
from mia_demo.recipes.record import recorded_identities
from mia_demo.runs.attack_run import RUN_FILE, AttackRun, load_attack
from mia_demo.runs.damaged_run import DamagedRun
from mia_demo.runs.names import RunNames
from mia_demo.runs.replay import REPLAY_FIGURES
from mia_demo.runs.saver import AttackSaver
from mia_demo.runs.store import RunStore
from mia_demo.zoo.reading import Zoo
from tests.full_disk import full_disk

Keep = Callable[..., str]


def test_a_kept_attack_comes_back_as_it_was(
    run: AttackRun, frames: list[AttackFrame], zoo: Zoo
) -> None:
    assert run.is_complete
    assert not run.is_recorded
    assert (run.config.identity, run.config.seed) == (7, 3)
    assert run.report["checkpoints"]["zero"] == zoo.entry("zero").stored.sha256
    assert run.report["versions"]["torch"]
    for lane in frames[-1].lanes:
        assert np.array_equal(run.pictures(lane.name), lane.images)
        assert run.report["lanes"][lane.name]["evaluator_top1"] == list(lane.evaluator_top1)


def test_the_recording_holds_every_step_of_each_lanes_best(
    run: AttackRun, frames: list[AttackFrame]
) -> None:
    replay = run.replay()
    assert replay is not None
    stages = [(moment.stage, moment.step) for moment in replay.moments]
    expected = [("sampling", 1), *(("optimisation", n) for n in (1, 2, 3)), ("done", 1)]
    assert stages == expected
    best = frames[-1].lanes[1]
    recorded = replay.pictures()[1, -1].astype(int)
    assert np.abs(recorded - best.images[best.best]).mean() < 6  # lossy, but the same face
    assert replay.moments[-1].lanes[1].target_confidence == pytest.approx(
        best.target_confidence, abs=1e-4
    )


def test_a_stopped_attack_is_a_run_and_says_so(
    store: RunStore, keep: Keep, frames: list[AttackFrame]
) -> None:
    optimisation = [frame for frame in frames if frame.stage == "optimisation"]
    run = store.attack(keep(store, [*frames[: frames.index(optimisation[1])], optimisation[1]]))
    assert not run.is_complete
    assert run.report["step"] == 2
    replay = run.replay()
    assert replay is not None
    assert replay.moments[-1].step == 2
    best = optimisation[1].lanes[0]
    assert np.array_equal(run.pictures("zero")[0], best.images[best.best])


def test_an_attack_stopped_before_its_first_step_leaves_nothing(
    store: RunStore, keep: Keep, frames: list[AttackFrame]
) -> None:
    assert keep(store, frames[:1]) == ""
    assert store.attacks() == store.recorded()


def test_an_interrupted_save_is_never_seen_and_cleared_away(
    run: AttackRun, store: RunStore, zoo: Zoo
) -> None:
    half = store.root / ".saving-attack-x"
    run.folder.rename(half)
    (half / RUN_FILE).unlink()
    assert run.key not in [other.key for other in store.attacks()]
    RunStore(store.root, zoo)
    assert not half.exists()


def test_a_full_disk_does_not_fail_the_attack_and_is_told(
    store: RunStore, saver: AttackSaver, frames: list[AttackFrame]
) -> None:
    for frame in frames:
        saver.see(frame)
    with full_disk(1000):
        assert saver.save() == ""
    assert saver.problem.startswith(f"Cannot write to {store.root} (File too large)")
    assert store.attacks() == store.recorded()
    assert list(store.root.iterdir()) == []


@pytest.mark.parametrize(
    "key", ["../checkpoints", "runs/../../etc", "", "recorded/", "/etc/passwd", "runs/none"]
)
def test_only_listed_keys_are_found(store: RunStore, run: AttackRun, key: str) -> None:
    with pytest.raises(ConfigError, match="no such run"):
        store.attack(key)
    with pytest.raises(ConfigError, match="no such run"):
        store.delete(key)


def test_a_link_out_of_the_folder_is_no_run(
    store: RunStore, run: AttackRun, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "elsewhere"
    run.folder.rename(elsewhere)
    (store.root / "link").symlink_to(elsewhere)
    assert [r.key for r in store.attacks() if not r.is_recorded] == []


@pytest.mark.parametrize(
    "changes",
    [
        {"config": {"identity": -1, "lanes": ["zero"]}},
        {"config": {"lanes": ["zero"], "rm": 1}},
        {"lanes": {"zero": {}, "negative": {}}},
        {"lanes": []},
        {"format": 99},
        {"kind": "sweep"},
        {"date": 5},
        {"stage": "later"},
        {"step": 99},
        {"seconds": "1"},
        {"total_steps": None},
        {"versions": {"torch": 2}},
        {"checkpoints": []},
        {"config": "quick"},
        {"config": {"identity": 10**400, "lanes": ["zero", "negative"]}},
        {"config": {"steps": "3", "lanes": ["zero", "negative"]}},
    ],
)
def test_a_damaged_run_is_told_apart_and_can_be_deleted(
    store: RunStore, run: AttackRun, changes: dict[str, object]
) -> None:
    report = json.loads((run.folder / RUN_FILE).read_text())
    (run.folder / RUN_FILE).write_text(json.dumps({**report, **changes}))
    with pytest.raises(DataError, match="no readable run"):
        load_attack(run.folder, run.key, is_recorded=False)
    assert store.attacks() == store.recorded()
    assert [found.key for found in store.runs() if isinstance(found, DamagedRun)] == [run.key]
    store.delete(run.key)
    assert not run.folder.exists()


@pytest.mark.parametrize("lane", [{"images": []}, {"evaluator_top1": [1]}, {"alpha": "0"}])
def test_a_lane_has_its_figures_for_every_picture(run: AttackRun, lane: dict[str, object]) -> None:
    report = json.loads((run.folder / RUN_FILE).read_text())
    report["lanes"]["zero"] |= lane
    (run.folder / RUN_FILE).write_text(json.dumps(report))
    with pytest.raises(DataError, match="no readable run"):
        load_attack(run.folder, run.key, is_recorded=False)


def test_a_hostile_run_harms_no_attack(
    store: RunStore, keep: Keep, frames: list[AttackFrame]
) -> None:
    first = store.attack(keep(store, frames))
    (first.folder / RUN_FILE).write_text("[" * 200_000)
    kept = keep(store, frames)
    assert store.attack(kept).is_complete


@pytest.mark.parametrize(
    "text",
    ["[" * 200_000, "{}", '{"lanes": ["zero"], "size": 64, "moments": 5}', "null", "\x00"],
)
def test_a_damaged_recording_is_told(run: AttackRun, text: str) -> None:
    (run.folder / REPLAY_FIGURES).write_text(text)
    with pytest.raises(DataError, match="recording of this run is damaged"):
        run.replay()


def test_a_recording_of_other_sizes_is_damaged(run: AttackRun) -> None:
    figures = json.loads((run.folder / REPLAY_FIGURES).read_text())
    for change in ({"size": 10**9}, {"size": 0}, {"moments": []}, {"lanes": ["zero"]}):
        (run.folder / REPLAY_FIGURES).write_text(json.dumps({**figures, **change}))
        with pytest.raises(DataError, match="recording of this run is damaged"):
            run.replay()


def test_pictures_are_read_from_the_runs_own_folder_alone(run: AttackRun) -> None:
    run.report["lanes"]["zero"]["images"] = ["/etc/passwd", "../../run.json"]
    with pytest.raises(DataError, match="damaged"):
        run.pictures("zero")


def test_names_are_one_clean_line_and_survive_a_restart(
    store: RunStore, run: AttackRun, zoo: Zoo
) -> None:
    store.names.set(run.key, "  <b>../../evil</b>\n\x00\u202e name ")
    again = RunStore(store.root, zoo).attack(run.key)
    assert again.title == again.name == "<b>../../evil</b> name"
    assert again.folder == run.folder
    store.names.set(run.key, "")
    assert store.attack(run.key).title == "Identity 7, seed 3"
    with pytest.raises(ConfigError, match="80 letters"):
        store.names.set(run.key, "x" * 81)


@pytest.mark.parametrize("text", ['["not", "names"]', '{"runs/x": 5}', "{" * 200_000, ""])
def test_a_damaged_file_of_names_is_an_empty_one(tmp_path: Path, text: str) -> None:
    (tmp_path / "names.json").write_text(text)
    assert RunNames(tmp_path / "names.json").get("runs/x") == ""


def test_deleted_is_gone_and_recorded_stays(store: RunStore, run: AttackRun) -> None:
    store.names.set(run.key, "mine")
    store.delete(run.key)
    assert not run.folder.exists()
    assert store.names.get(run.key) == ""
    with pytest.raises(ConfigError, match="came with the demo"):
        store.delete(store.recorded()[0].key)


def test_the_oldest_unnamed_runs_make_room(
    tmp_path: Path, zoo: Zoo, keep: Keep, frames: list[AttackFrame]
) -> None:
    store = RunStore(tmp_path / "runs", zoo, max_runs=3)
    keys = [keep(store, frames) for _ in range(2)]
    for number, key in enumerate(keys):
        path = store.attack(key).folder / RUN_FILE
        report = json.loads(path.read_text())
        path.write_text(json.dumps({**report, "date": f"2020-01-0{number + 1}T00:00:00+00:00"}))
    store.names.set(keys[0], "kept for its name")
    (store.root / "chosen").mkdir()
    source = store.attack(keys[0]).folder
    for path in source.iterdir():
        (store.root / "chosen" / path.name).write_bytes(path.read_bytes())
    newest = [keep(store, frames) for _ in range(2)]
    left = {run.key for run in store.attacks() if not run.is_recorded}
    # A folder that somebody chose on the command line never goes by itself.
    assert left == {keys[0], *newest, "runs/chosen"}


def test_a_bound_in_bytes_keeps_the_newest(
    tmp_path: Path, zoo: Zoo, keep: Keep, frames: list[AttackFrame]
) -> None:
    store = RunStore(tmp_path / "runs", zoo, max_bytes=1)
    keep(store, frames)
    newest = keep(store, frames)
    assert [run.key for run in store.attacks() if not run.is_recorded] == [newest]


def test_recorded_runs_are_real_whole_and_of_this_zoo(zoo: Zoo, tmp_path: Path) -> None:
    recorded = RunStore(tmp_path, zoo).recorded()
    assert [run.config.identity for run in recorded] == recorded_identities(100)
    hashes = {entry.name: entry.stored.sha256 for entry in zoo.manifest.checkpoints}
    for run in recorded:
        assert run.is_complete
        assert run.config.lanes == ("positive", "zero", "negative")
        assert run.report["commit"]
        assert not run.report["commit"].endswith("+")
        assert run.report["checkpoints"].items() <= hashes.items()
        replay = run.replay()
        assert replay is not None
        assert len(replay.moments) == run.config.steps + 2
    files = [path for path in (zoo.root / "recorded").rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) < 9_000_000
