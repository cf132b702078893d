"""Sweeps: resumable without double counting, and a table that can be checked by hand."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from mia_demo.attack.attack import Attacker
from mia_demo.attack.config import preset_config
from mia_demo.errors import ConfigError
from mia_demo.evaluation.judge import Judge
from mia_demo.evaluation.sweep import (
    bootstrap_interval,
    parse_numbers,
    results_table,
    run_sweep,
)

CONFIG = preset_config("quick", lanes=("zero", "negative"), steps=2, candidates=2, kept=2)


@pytest.fixture(scope="module")
def judge(zoo, compute) -> Judge:
    return Judge(zoo, compute)


def test_a_killed_sweep_goes_on_to_the_same_table(
    tmp_path: Path, attacker: Attacker, judge: Judge
) -> None:
    identities, seeds = [3, 7], [0, 1]
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    frames = list(run_sweep(attacker, judge, CONFIG, identities, seeds, whole))
    assert [(f.done, f.total) for f in frames] == [(1, 4), (2, 4), (3, 4), (4, 4)]
    list(islice(run_sweep(attacker, judge, CONFIG, identities, seeds, killed), 2))
    finished = {p.name: p.stat().st_mtime_ns for p in (killed / "attacks").iterdir()}
    assert len(finished) == 2
    list(run_sweep(attacker, judge, CONFIG, identities, seeds, killed))
    for name, time in finished.items():
        assert (killed / "attacks" / name).stat().st_mtime_ns == time  # not done again
    lanes = CONFIG.lanes
    table = results_table(killed, identities, seeds, lanes)
    assert table == results_table(whole, identities, seeds, lanes)
    assert [row["lane"] for row in table] == ["zero", "negative"]


def test_other_settings_need_another_folder(
    tmp_path: Path, attacker: Attacker, judge: Judge
) -> None:
    list(run_sweep(attacker, judge, CONFIG, [3], [0], tmp_path))
    with pytest.raises(ConfigError, match="other settings"):
        list(run_sweep(attacker, judge, replace(CONFIG, steps=3), [3], [0], tmp_path))


def test_table_by_hand(tmp_path: Path) -> None:
    for seed, identity, acc1 in [(0, 1, 1.0), (0, 2, 0.5), (1, 1, 0.0), (1, 2, 0.5)]:
        lane = {"alpha": 0.1, "test_accuracy": 0.9, "acc1": acc1, "acc5": 1.0, "delta_eval": 2.0,
                "delta_face": 1.0, "target_confidence": 0.5}  # fmt: skip
        path = tmp_path / "attacks" / f"seed{seed}_identity{identity:04d}.json"
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps({"lanes": {"zero": lane}}))
    (row,) = results_table(tmp_path, [1, 2], [0, 1], ["zero"])
    assert row["acc1"] == 0.5
    assert row["acc1_ci95"] == (0.5, 0.5)  # both identities have the same mean over seeds
    assert row["acc5"] == 1.0


def test_bootstrap_interval_contains_the_mean_and_narrows() -> None:
    values = np.array([0.0, 1.0] * 50)
    low, high = bootstrap_interval(values)
    assert low < 0.5 < high
    assert high - low == pytest.approx(2 * 1.96 * 0.05, rel=0.15)


def test_lists_of_numbers() -> None:
    assert parse_numbers("0-3,7") == [0, 1, 2, 3, 7]
    for wrong in ("", "a", "3-1", "1,1"):
        with pytest.raises(ConfigError):
            parse_numbers(wrong)
