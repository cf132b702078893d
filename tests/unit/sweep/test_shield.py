"""The board of defences and attacks, on a tiny zoo."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mia_demo.attack.attack import Attacker
from mia_demo.attack.methods import GRADIENT, LABEL
from mia_demo.attack.named import ATTACKS
from mia_demo.cli import main
from mia_demo.errors import ConfigError
from mia_demo.sweep.distributed import join_team
from mia_demo.sweep.judging import Judge
from mia_demo.sweep.shield import (
    ShieldPlan,
    chosen_attacks,
    chosen_lanes,
    masking_gap,
    run_shield,
    shield_matrix,
)
from mia_demo.zoo.reading import Zoo
from tests.tiny_zoo import COMPUTE, make_tiny_zoo

BUDGET = 40


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Zoo:
    return make_tiny_zoo(tmp_path_factory.mktemp("zoo"))


def plan_in(folder: Path) -> ShieldPlan:
    attacks = chosen_attacks("cross_entropy,brep_mi", "quick", ("zero", "negative"), BUDGET)
    return ShieldPlan(attacks, (0, 1), (0,), folder)


def test_a_killed_board_goes_on_where_it_stopped(tiny: Zoo, tmp_path: Path) -> None:
    attacker, judge = Attacker(tiny, COMPUTE), Judge(tiny, COMPUTE)
    plan = plan_in(tmp_path / "killed")
    with join_team() as team:
        for done in run_shield(team, attacker, judge, plan):
            if done == ("brep_mi", 3):  # in the middle of the second attack
                break
    before = {path: path.stat().st_mtime_ns for path in plan.folder.rglob("*.json")}
    assert len(before) == 3 + 2  # attacks, and the settings of both sweeps
    with join_team() as team:
        counts = [count for _, count in run_shield(team, attacker, judge, plan)]
    assert counts == sorted(counts)
    assert counts[-1] == plan.total == 4
    attacks = [path for path in before if path.name != "sweep.json"]
    assert all(path.stat().st_mtime_ns == before[path] for path in attacks)

    whole = plan_in(tmp_path / "whole")
    with join_team() as team:
        list(run_shield(team, attacker, judge, whole))
    assert shield_matrix(attacker, judge, plan) == shield_matrix(attacker, judge, whole)


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
    assert found == json.loads((tmp_path / "shield" / "shield.json").read_text())
    assert [row["lane"] for row in found["matrix"]] == ["positive", "zero", "negative"]
    assert found["attacks"]["temperature"]["needs"] == GRADIENT
    assert all(what["passes"]["optimisation"] <= 40 for what in found["attacks"].values())
    for row in found["matrix"]:
        for cell in row["cells"].values():
            for name in ("acc1", "face_rank1", "sure", "convinced_but_wrong"):
                low, high = cell[f"{name}_ci95"]
                assert 0 <= low <= cell[name] <= high <= 1
            assert cell["convinced_but_wrong"] <= min(cell["sure"], 1 - cell["acc1"])
        robust, epsilons = row["robust_accuracy"], found["robustness"]["epsilons"]
        assert len(robust["fgsm"]) == len(robust["pgd"]) == len(epsilons)
        gap = row["cells"]["temperature"]["acc1"] - row["cells"]["random"]["acc1"]
        assert row["gradient_gap"] == pytest.approx(gap)
    assert main(arguments) == 0
    assert "zero: the evaluator recognises random " in capsys.readouterr().out


def test_the_gap_is_that_of_the_best_attacks_of_either_kind() -> None:
    needs = {"a": GRADIENT, "b": GRADIENT, "c": LABEL}
    cells = {"a": {"acc1": 0.2}, "b": {"acc1": 0.4}, "c": {"acc1": 0.7}}
    assert masking_gap(cells, needs) == pytest.approx(-0.3)
    assert masking_gap({"a": cells["a"]}, needs) is None


def test_targets_are_named_by_themselves_or_by_their_defence(tiny: Zoo) -> None:
    assert chosen_lanes(tiny, "negative") == ("negative",)
    assert chosen_lanes(tiny, "all") == ("positive", "zero", "negative")
    with pytest.raises(ConfigError, match=r"no target 'midre'; it has .*train --defence"):
        chosen_lanes(tiny, "midre")
    with pytest.raises(ConfigError, match="No attack 'magic'"):
        chosen_attacks("magic", "quick", ("zero",), None)
    budgets = chosen_attacks("all", "quick", ("zero",), None)
    assert set(budgets) == set(ATTACKS)
    assert budgets["cross_entropy"].steps == 40
