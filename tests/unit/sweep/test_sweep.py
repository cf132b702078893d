"""Sweeps: resumable without double counting, and a table that can be checked by hand."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from mia_demo.attack.attack import Attacker
from mia_demo.attack.config import preset_config
from mia_demo.errors import ConfigError, DataError
from mia_demo.metrics.estimates import Estimate, Spread
from mia_demo.metrics.extraction import STUDENT, knowledge_extraction
from mia_demo.report.text import as_curve_markdown, as_markdown, results_csv, save_report
from mia_demo.sweep.curves import mean_curve
from mia_demo.sweep.judging import Judge
from mia_demo.sweep.results import collect_results, load_results
from mia_demo.sweep.rows import LaneRow
from mia_demo.sweep.sweep import (
    SweepPlan,
    judge_again,
    parse_numbers,
    run_sweep,
)
from mia_demo.sweep.table import attack_figures
from mia_demo.system.device import Compute
from mia_demo.zoo.folder import FolderZoo
from mia_demo.zoo.manifest import MANIFEST
from mia_demo.zoo.reading import Zoo
from tests.few_photos import zoo_of_few_photos

CONFIG = preset_config(
    "quick", lanes=("zero", "negative"), steps=2, candidates=2, kept=2, selection_rounds=1
)


@pytest.fixture(scope="module", autouse=True)
def quick_lessons() -> Iterator[None]:
    """Students that learn little; how well they do is asked in their own tests."""
    with pytest.MonkeyPatch.context() as changed:
        brief = partial(knowledge_extraction, config=replace(STUDENT, epochs=2))
        changed.setattr("mia_demo.sweep.table.knowledge_extraction", brief)
        yield


@pytest.fixture(scope="module")
def zoo(tmp_path_factory: pytest.TempPathFactory) -> Zoo:
    """Of few photos: to embed all of them takes fifteen seconds."""
    return zoo_of_few_photos(tmp_path_factory.mktemp("few") / "zoo", train_photos=4)


@pytest.fixture(scope="module")
def attacker(zoo: Zoo, compute: Compute) -> Attacker:
    return Attacker(zoo, compute)


@pytest.fixture(scope="module")
def judge(zoo: Zoo, compute: Compute) -> Judge:
    return Judge(zoo, compute)


def test_a_stopped_sweep_goes_on_to_a_table(
    tmp_path: Path, attacker: Attacker, judge: Judge
) -> None:
    plan = SweepPlan(CONFIG, (3, 7), (0, 1), tmp_path)
    list(islice(run_sweep(attacker, judge, plan), 2))
    finished = {path: path.stat().st_mtime_ns for path in (tmp_path / "attacks").glob("*.json")}
    assert len(finished) == 2
    attacks = list(run_sweep(attacker, judge, plan))
    assert attacks == [(0, 3), (0, 7), (1, 3), (1, 7)] == plan.finished()
    assert all(path.stat().st_mtime_ns == moment for path, moment in finished.items())
    table = collect_results(attacker, judge, plan).rows
    assert [row.lane for row in table] == ["zero", "negative"]
    for row in table:
        # 2 identities x 2 seeds x 2 kept images: enough for a student, not for a covariance.
        assert row.frechet.value is None
        assert "more than 128 samples" in row.frechet.refused
        assert 0 <= row.precision.value <= 1
        assert 0 <= row.extraction_test.value <= 1
        assert 0 < row.mean_confidence.value <= 1
        assert set(row.attributes) == {
            "sex", "ancestry", "hair style", "hair colour", "beard", "age band",
        }  # fmt: skip
        for share in row.attributes.values():
            low, high = share.interval
            assert 0 <= low <= share.value <= high <= 1
    assert as_markdown(table).count("\n") == 4
    assert results_csv(table).splitlines()[0].startswith("lane,alpha,test_accuracy,acc1")
    pictures = plan.pictures(1, 7, attacker.generator.resolution)
    assert pictures.shape == (2, 2, 3, 128, 128)
    picture = pictures[1].permute(0, 2, 3, 1).contiguous().numpy()
    assert list(judge.judge(picture, 7).top1) == plan.result(1, 7)["lanes"]["negative"]["top1"]


def test_a_zoo_without_attribute_heads_is_swept_all_the_same(
    tmp_path: Path, zoo: Zoo, compute: Compute
) -> None:
    root, folder = tmp_path / "zoo", tmp_path / "sweep"
    root.mkdir()
    manifest = json.loads((zoo.root / MANIFEST).read_text())
    kept = [entry for entry in manifest["checkpoints"] if entry["kind"] != "attributes"]
    (root / MANIFEST).write_text(json.dumps({**manifest, "checkpoints": kept}))
    for stored in [*kept, *manifest["identities"]]:
        (root / stored["file"]).symlink_to(zoo.root / stored["file"])
    attacker, judge = Attacker(FolderZoo(root), compute), Judge(FolderZoo(root), compute)
    config = replace(CONFIG, lanes=("zero",), kept=1)
    plan = SweepPlan(config, (3,), (0,), folder)
    list(run_sweep(attacker, judge, plan))
    results = collect_results(attacker, judge, plan)
    save_report(results, folder)
    (row,) = load_results(folder).rows
    assert row.attributes == {}
    assert "no attribute heads" in row.attributes_refused
    assert results.record.attribute_reference == {}
    assert "was not measured: The zoo" in (folder / "table.md").read_text("utf-8")


def test_other_judges_judge_the_same_pictures_again(
    tmp_path: Path, attacker: Attacker, judge: Judge
) -> None:
    plan = SweepPlan(CONFIG, (3,), (0,), tmp_path)
    list(run_sweep(attacker, judge, plan))
    spoken = plan.result(0, 3)
    assert spoken["judges"] == judge.checkpoints
    size = attacker.generator.resolution
    _, path = plan.files(0, 3)
    stranger = json.loads(path.read_text("utf-8"))
    stranger["judges"]["embedder"] = "another"
    for lane in stranger["lanes"].values():
        lane["delta_face"] = 9.0
    path.write_text(json.dumps(stranger), "utf-8")
    judge_again(judge, plan, size)
    assert plan.result(0, 3) == spoken
    time = path.stat().st_mtime_ns
    judge_again(judge, plan, size)
    assert path.stat().st_mtime_ns == time  # its own verdicts stand


def test_damaged_attacks_of_a_sweep_are_one_sentence(
    tmp_path: Path, attacker: Attacker, judge: Judge
) -> None:
    plan = SweepPlan(CONFIG, (3,), (0,), tmp_path)
    list(run_sweep(attacker, judge, plan))
    sheet, path = plan.files(0, 3)
    result = json.loads(path.read_text("utf-8"))
    zero = result["lanes"]["zero"]
    for damaged in (
        {"lanes": {**result["lanes"], "zero": {**zero, "curve": [1, 2]}}},
        {"lanes": {**result["lanes"], "zero": {**zero, "top1": [3]}}},
        {"lanes": {"zero": zero}},
        {"judges": 5},
        {"seed": 1},
    ):
        path.write_text(json.dumps({**result, **damaged}), "utf-8")
        with pytest.raises(DataError, match="delete it to attack again"):
            collect_results(attacker, judge, plan)
    path.write_text(json.dumps(result), "utf-8")
    sheet.write_bytes(sheet.read_bytes()[:200])
    with pytest.raises(DataError, match=f"delete {path.name} to attack again"):
        collect_results(attacker, judge, plan)


def test_other_settings_need_another_folder(
    tmp_path: Path, attacker: Attacker, judge: Judge
) -> None:
    plan = SweepPlan(CONFIG, (3,), (0,), tmp_path)
    list(run_sweep(attacker, judge, plan))
    with pytest.raises(ConfigError, match="other settings"):
        list(run_sweep(attacker, judge, replace(plan, config=replace(CONFIG, steps=3))))
    settings = json.loads((tmp_path / "sweep.json").read_text("utf-8"))
    settings["checkpoints"]["negative"] = "trained anew"
    (tmp_path / "sweep.json").write_text(json.dumps(settings), "utf-8")
    with pytest.raises(ConfigError, match="or classifiers"):
        list(run_sweep(attacker, judge, plan))


def judged(acc1: float, delta_face: float = 1.0) -> dict[str, float]:
    return {"alpha": 0.1, "test_accuracy": 0.9, "acc1": acc1, "acc5": 1.0, "delta_eval": 2.0,
            "delta_face": delta_face, "target_confidence": 0.5}  # fmt: skip


def test_figures_by_hand() -> None:
    verdicts = [judged(1.0), judged(0.0), judged(0.5, 2.0), judged(0.5, 4.0)]
    figures = attack_figures(verdicts, seeds=2)
    # Both identities have the same mean over seeds. Over the two seeds the interval is
    # 0.5 ± 12.706 · sqrt(0.125) / sqrt(2), which leaves 0..1 on both sides.
    assert figures["acc1"] == Estimate(
        0.5, (0.5, 0.5), (0.5, 0.5), spread=Spread("seeds", (0.75, 0.25), (0.0, 1.0))
    )
    assert figures["delta_face"] == Estimate(2.0, (1.0, 3.0), (1.0, 3.0))
    assert figures["acc5"] == Estimate(1.0)
    assert figures["delta_eval"] == Estimate(2.0)


def test_intervals_of_one_identity_or_seed_are_refused_with_the_reason() -> None:
    figures = attack_figures([judged(1.0)], seeds=1)
    for found in (figures["acc1"], figures["delta_face"], figures["acc1"].spread):
        assert found.interval is None
        assert "needs at least 2 of them, not 1" in found.refused


def test_the_markdown_shows_every_interval() -> None:
    row = LaneRow(
        lane="zero",
        alpha=0.0,
        test_accuracy=Estimate(0.99),
        acc1=Estimate(0.2, (0.1, 0.25), spread=Spread("seeds", (0.1, 0.3), (0.15, 0.2))),
        acc5=Estimate(None),
        delta_eval=Estimate(30.0),
        delta_face=Estimate(0.6, (0.5, 0.75)),
    )
    labels, _, cells = as_markdown([row], main_only=True).splitlines()
    assert labels == (
        "| Lane | α | Test accuracy | Acc@1 | Acc@5 | δ_face | Acc@1, 95 % over seeds |"
    )
    assert cells == (
        "| zero | 0 | 99.0% | 20.0% (10.0% to 25.0%) | – | 0.600 (0.500 to 0.750) "
        "| 15.0% to 20.0% |"
    )


def test_lists_of_numbers() -> None:
    assert parse_numbers("0-3,7") == [0, 1, 2, 3, 7]
    for wrong in ("", "a", "3-1", "1,1"):
        with pytest.raises(ConfigError):
            parse_numbers(wrong)


def test_results_folder_keeps_everything(tmp_path: Path, attacker: Attacker, judge: Judge) -> None:
    sweep, folder = tmp_path / "sweep", tmp_path / "results"
    plan = SweepPlan(CONFIG, (3, 7), (5,), sweep)
    list(run_sweep(attacker, judge, plan))
    results = collect_results(attacker, judge, plan)
    save_report(results, folder)
    loaded = load_results(folder)
    assert (loaded.record, loaded.rows, loaded.attacks) == (
        results.record,
        results.rows,
        results.attacks,
    )
    assert loaded.record.checkpoints["zero"] == attacker.zoo.entry("zero").stored.sha256
    assert loaded.record.checkpoints["attributes"]
    # Identities 3 and 7 are both women, so the guesser is always right about their sex.
    assert loaded.record.attribute_reference["sex"]["base_rate"] == 1.0
    assert "| sex | 100.0% (female) |" in (folder / "table.md").read_text("utf-8")
    assert [attack.identity for attack in loaded.attacks["zero"]] == [3, 7]
    # Pictures are stored with small losses, in their places.
    size = attacker.generator.resolution
    for lane in CONFIG.lanes:
        for identity in (3, 7):
            exact = plan.pictures(5, identity, size)[CONFIG.lanes.index(lane), 0]
            shown = loaded.picture(lane, identity).astype(float)
            assert np.abs(shown - exact.permute(1, 2, 0).numpy()).mean() < 8


def test_a_folder_without_results_says_so(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no readable results"):
        load_results(tmp_path)


def test_curves_are_means_over_attacks() -> None:
    def point(step: int, acc1: float, cosine: float | None) -> dict[str, float | None]:
        return {"step": step, "acc1": acc1, "target_confidence": 0.5, "gradient_cosine": cosine}

    one = [point(0, 0.0, None), point(4, 0.5, 0.25)]
    two = [point(0, 0.5, None), point(4, 1.0, 0.75)]
    curve = mean_curve([one, two])
    assert curve == [point(0, 0.25, None), point(4, 0.75, 0.5)]
    assert as_curve_markdown({"zero": curve}) == (
        "| Acc@1 (gradient cosine) after | 0 | 4 |\n|---|---|---|\n"
        "| zero | 25.0% (–) | 75.0% (0.50) |\n"
    )


def test_groups_of_identities_give_the_table_of_single_ones(
    tmp_path: Path, attacker: Attacker, judge: Judge, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = (3, 7, 11)
    plan = SweepPlan(CONFIG, people, (0,), tmp_path / "single")
    list(run_sweep(attacker, judge, plan))
    monkeypatch.setattr(attacker, "group_size", lambda config: 2)
    attacks = list(run_sweep(attacker, judge, replace(plan, folder=tmp_path / "grouped")))
    assert attacks == [(0, identity) for identity in people]
    for identity in people:
        single = plan.result(0, identity)["lanes"]
        grouped = replace(plan, folder=tmp_path / "grouped").result(0, identity)["lanes"]
        for lane in CONFIG.lanes:
            assert grouped[lane]["top1"] == single[lane]["top1"]
            assert [p["step"] for p in grouped[lane]["curve"]] == [0, 1]
            assert grouped[lane]["delta_face"] == pytest.approx(
                single[lane]["delta_face"], abs=0.02
            )
