"""The board of defences and attacks, on a tiny zoo."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from mia_demo.attack.attack import Attacker
from mia_demo.attack.methods import GRADIENT, LABEL
from mia_demo.attack.named import ATTACKS
from mia_demo.cli import main
from mia_demo.errors import ConfigError, DataError
from mia_demo.metrics.intervals import best_difference_interval
from mia_demo.recipes.record import record_board
from mia_demo.sweep.board import (
    BoardCell,
    Share,
    load_row,
    load_rows,
    recorded_board,
    row_files,
    row_pictures,
)
from mia_demo.sweep.board_figures import masking_gap
from mia_demo.sweep.judging import Judge
from mia_demo.sweep.shield import finished_rows, run_shield
from mia_demo.sweep.shield_plan import ShieldPlan, chosen_attacks, chosen_lanes
from mia_demo.sweep.team import join_team
from mia_demo.zoo.folder import FolderZoo
from mia_demo.zoo.reading import Zoo
from tests.tiny_zoo import COMPUTE, make_tiny_zoo

BUDGET = 40


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Zoo:
    return make_tiny_zoo(tmp_path_factory.mktemp("zoo"))


def plan_in(folder: Path) -> ShieldPlan:
    attacks = chosen_attacks("cross_entropy,brep_mi", "quick", BUDGET)
    return ShieldPlan(("zero", "negative"), attacks, (0, 1), (0, 1), (0,), folder)


def test_a_killed_board_goes_on_where_it_stopped(tiny: Zoo, tmp_path: Path) -> None:
    attacker, judge = Attacker(tiny, COMPUTE), Judge(tiny, COMPUTE)
    plan = plan_in(tmp_path / "killed")
    with join_team() as team:
        for done in run_shield(team, attacker, judge, plan):
            if done == ("negative cross_entropy", 5):  # in the middle of the second row
                break
    before = {path: path.stat().st_mtime_ns for path in plan.folder.rglob("*.json")}
    # The first row with its attacks, one attack of the second, and the settings of three sweeps.
    assert len(before) == 1 + 4 + 1 + 3
    with join_team() as team:
        counts = [count for _, count in run_shield(team, attacker, judge, plan)]
    assert counts == sorted(counts)
    assert counts[-1] == plan.total == 8
    done_before = [path for path in before if path.name != "sweep.json"]
    assert all(path.stat().st_mtime_ns == before[path] for path in done_before)

    whole = plan_in(tmp_path / "whole")
    with join_team() as team:
        list(run_shield(team, attacker, judge, whole))
    for one, other in zip(finished_rows(plan), finished_rows(whole), strict=True):
        assert one.cells == other.cells
        assert one.robust == other.robust
        for attack in one.cells:
            pictures = row_pictures(one, plan.folder, attack)
            assert (pictures == row_pictures(other, whole.folder, attack)).all()
            assert pictures.shape == (2, 16, 16, 3)


def test_rows_are_recorded_one_by_one_and_a_damaged_one_is_left_out(
    tiny: Zoo, tmp_path: Path
) -> None:
    attacker, judge = Attacker(tiny, COMPUTE), Judge(tiny, COMPUTE)
    plan = plan_in(tmp_path)
    with join_team() as team:
        list(run_shield(team, attacker, judge, plan))
    assert [row.lane for row in load_rows(tmp_path)] == ["zero", "negative"]
    recorded = FolderZoo.create(tmp_path / "recorded")
    assert record_board(recorded, tmp_path) == ["zero", "negative"]
    folder, rows = recorded_board(recorded)
    assert rows == load_rows(tmp_path)
    assert row_pictures(rows[0], folder, "brep_mi").shape == (2, 16, 16, 3)
    path = tmp_path / "zero.json"
    path.write_text(path.read_text().replace('"brep_mi"', '"paa"', 1).replace('"top1"', '"top2"'))
    assert [row.lane for row in load_rows(tmp_path)] == ["negative"]
    with pytest.raises(DataError, match=r"no readable row .*compute it again"):
        load_row(path)


def test_the_command_prints_the_matrix(
    tiny: Zoo, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = [
        "shield", "--zoo", str(tiny.root), "--attacks", "random,temperature", "--passes", "40",
        "--defences", "label_smoothing", "--identities", "0-1", "--device", "cpu",
        "--output", str(tmp_path / "shield"),
    ]  # fmt: skip
    assert main([*arguments, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [row["lane"] for row in found["matrix"]] == ["positive", "zero", "negative"]
    assert found["attacks"]["temperature"]["needs"] == GRADIENT
    assert all(what["passes"]["optimisation"] <= 40 for what in found["attacks"].values())
    for row in found["matrix"]:
        for cell in row["cells"].values():
            for name in ("acc1", "face_rank1", "sure", "convinced_but_wrong"):
                low, high = cell[f"{name}_ci95"]
                assert 0 <= low <= cell[name] <= high <= 1
            assert cell["convinced_but_wrong"] <= min(cell["sure"], 1 - cell["acc1"])
        robust = row["robust_accuracy"]
        assert len(robust["fgsm"]) == len(robust["pgd"]) == len(robust["epsilons"])
        gap = row["cells"]["temperature"]["acc1"] - row["cells"]["random"]["acc1"]
        assert row["gradient_gap"]["value"] == pytest.approx(gap)
        low, high = row["gradient_gap"]["interval"]
        assert low <= gap <= high
    assert main(arguments) == 0
    assert "zero: the evaluator recognises random " in capsys.readouterr().out


def cell(needs: str, people: list[float]) -> BoardCell:
    share = Share(sum(people) / len(people), None, people)
    numbers = list(range(len(people)))
    return BoardCell(numbers, needs, {}, {}, share, share, share, share, [0] * len(people))


def test_the_gap_is_that_of_the_best_attacks_of_either_kind() -> None:
    one, two, three = (
        cell(GRADIENT, [0.1, 0.3]),
        cell(GRADIENT, [0.4, 0.4]),
        cell(LABEL, [0.7, 0.7]),
    )
    gap = masking_gap({"a": one, "b": two, "c": three})
    assert gap is not None
    assert gap.value == pytest.approx(-0.3)
    assert (gap.best, gap.blind) == ("b", "c")
    assert gap.interval == pytest.approx((-0.3, -0.3))  # b is best whoever is drawn
    assert masking_gap({"a": one}) is None


def test_the_gap_is_over_the_people_that_both_kinds_looked_for() -> None:
    gap = masking_gap({"a": cell(GRADIENT, [0.0, 0.0, 1.0]), "b": cell(LABEL, [0.5, 0.5])})
    assert gap is not None
    assert (gap.value, gap.best_acc1, gap.blind_acc1, gap.people) == (-0.5, 0.0, 0.5, 2)


def test_a_recorded_row_gains_people_and_attacks(tiny: Zoo, tmp_path: Path) -> None:
    """What is computed in parts and recorded one after the other is what one run records."""
    attacker, judge = Attacker(tiny, COMPUTE), Judge(tiny, COMPUTE)

    def board(name: str, attacks: str, people: tuple[int, ...], blind: tuple[int, ...]) -> Path:
        chosen = chosen_attacks(attacks, "quick", BUDGET)
        plan = ShieldPlan(("zero",), chosen, people, blind, (0,), tmp_path / name)
        with join_team() as team:
            list(run_shield(team, attacker, judge, plan))
        return plan.folder

    at_once = board("whole", "cross_entropy,poincare,brep_mi", (0, 1, 2), (0, 1))
    zoo = FolderZoo.create(tmp_path / "recorded")
    record_board(zoo, board("some", "cross_entropy,brep_mi", (0, 1), (0, 1)))
    record_board(zoo, board("more people", "cross_entropy,poincare", (2,), ()))
    record_board(zoo, board("more attacks", "poincare", (0, 1), ()))
    folder, (row,) = recorded_board(zoo)
    (whole,) = load_rows(at_once)
    assert row.cells == whole.cells
    assert list(row.cells) == list(whole.cells)
    assert row.record.identities == whole.record.identities == [0, 1, 2]
    for name, found in row.cells.items():
        pictures = row_pictures(row, folder, name)
        assert pictures.shape[0] == len(found.identities) == (2 if name == "brep_mi" else 3)
        others = row_pictures(whole, at_once, name).astype(float)
        gaps = np.abs(pictures[:, None] - others).mean(axis=(2, 3, 4))  # WebP, written once more
        assert (gaps.argmin(axis=1) == np.arange(len(others))).all()
        assert gaps.diagonal().max() < 15

    other = row_files(folder, "zero")[1]
    other.write_text(other.read_text().replace('"device": "cpu"', '"device": "another"'))
    record_board(zoo, board("some", "cross_entropy,brep_mi", (0, 1), (0, 1)))
    assert [list(row.cells) for row in recorded_board(zoo)[1]] == [["cross_entropy", "brep_mi"]]


def test_a_gaps_interval_counts_the_choice_of_the_best() -> None:
    """Two equal attacks: the best of two gains by chance, and so does the interval."""
    people = np.random.default_rng(0).integers(0, 2, (40, 3)).astype(float)
    low, high = best_difference_interval(people[:, :2], people[:, 2:])
    alone, _ = best_difference_interval(people[:, :1], people[:, 2:])
    assert low > alone
    assert low < high


def test_targets_are_named_by_themselves_or_by_their_defence(tiny: Zoo) -> None:
    assert chosen_lanes(tiny, "negative") == ("negative",)
    assert chosen_lanes(tiny, "all") == ("positive", "zero", "negative")
    with pytest.raises(ConfigError, match=r"no target 'midre'; it has .*train --defence"):
        chosen_lanes(tiny, "midre")
    with pytest.raises(ConfigError, match="No attack 'magic'"):
        chosen_attacks("magic", "quick", None)
    with pytest.raises(ConfigError, match="'taa,' is not a list of attacks"):
        chosen_attacks("taa,", "quick", None)
    budgets = chosen_attacks("all", "quick", None)
    assert set(budgets) == set(ATTACKS)
    assert budgets["cross_entropy"].steps == 40
