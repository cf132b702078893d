"""What the first screen shows: a dozen recorded people, and what the recorded table says of all."""

from __future__ import annotations

import base64
import json
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import gradio as gr
import pytest

from mia_demo.recipes.record import RECORDED_PEOPLE, recorded_identities
from mia_demo.system.device import choose_compute
from mia_demo.ui.app_page import build_app
from mia_demo.ui.attack.evidence import Evidence, read_evidence, today, whose_turn
from mia_demo.ui.attack.handlers import AttackHandlers
from mia_demo.ui.engine.engine import EMBEDDED, Engine
from mia_demo.zoo.folder import EMBEDDED_ZOO, FolderZoo
from tests.server.visits import ABROAD, visit


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    return Engine(FolderZoo(EMBEDDED_ZOO), choose_compute("cpu"), tmp_path_factory.mktemp("runs"))


@pytest.fixture(scope="module")
def evidence(engine: Engine) -> Evidence:
    return read_evidence(engine)


@pytest.fixture(scope="module")
def handlers(engine: Engine) -> AttackHandlers:
    return AttackHandlers(engine)


def test_a_dozen_people_are_recorded_by_the_rule(engine: Engine, evidence: Evidence) -> None:
    numbers = recorded_identities(len(engine.identities))
    assert sorted(evidence.runs) == numbers == [0, 8, 16, 25, 33, 41, 50, 58, 66, 75, 83, 91]
    settings = {(run.config.preset, run.config.seed) for run in evidence.runs.values()}
    assert settings == {("standard", 0)}


def test_the_people_take_turns_day_by_day(evidence: Evidence) -> None:
    days = [date(2026, 3, 1) + timedelta(days=n) for n in range(RECORDED_PEOPLE)]
    turns = [evidence.todays(day) for day in days]
    assert sorted(turns) == sorted(evidence.runs)
    assert turns == [whose_turn(sorted(evidence.runs), day) for day in days]
    assert whose_turn([], days[0]) == 0


def test_another_day_is_another_persons_turn_unless_a_link_names_somebody(
    handlers: AttackHandlers,
) -> None:
    whose = handlers.evidence.todays(today())
    another = next(person for person in handlers.evidence.runs if person != whose)
    bare, linked = gr.Request(query_params={}), gr.Request(query_params={"identity": "3"})
    assert handlers.turn(another, bare) == whose
    for answer in (handlers.turn(whose, bare), handlers.turn(another, linked)):
        assert answer == gr.skip()


def test_a_recorded_person_plays_at_once(handlers: AttackHandlers) -> None:
    board, *_ = handlers.choose(41, EMBEDDED, visit())
    assert board["phase"] == "recorded"
    assert board["status"].startswith("Recorded attack on identity 41; press Start")
    assert board["replay"]["plays"]
    for lane in board["lanes"]:
        assert "Recorded" in lane["picture"]["alt"]
        assert (lane["mistaken"] is None) == lane["recognised"]
    assert [lane["label"] for lane in board["lanes"]] == [0.901, 1.0, 1.05]
    ready, *_ = handlers.choose(42, EMBEDDED, visit())
    assert ready["phase"] == "ready"


def test_the_strip_and_the_shares_are_those_of_the_recordings(evidence: Evidence) -> None:
    strip = evidence.strip()
    table = json.loads((EMBEDDED_ZOO / "results" / "standard" / "results.json").read_text("utf-8"))
    assert strip["people"] == sorted(evidence.runs)
    for lane, row in zip(strip["lanes"], table["rows"], strict=True):
        assert lane["name"] == row["lane"]
        best = [attack["top1"][0] == attack["identity"] for attack in table["attacks"][row["lane"]]]
        given = lane["given"]
        assert (given["known"], given["people"]) == (sum(best), len(best)) == (sum(best), 100)
        # 1.96 standard errors of a share of so many people, about which the interval must lie.
        share = sum(best) / 100
        half = 196 * (share * (1 - share) / 100) ** 0.5
        assert given["low"] == pytest.approx(100 * share - half, abs=1.5)
        assert given["high"] == pytest.approx(100 * share + half, abs=1.5)
        runs = [evidence.runs[person] for person in strip["people"]]
        reports = [run.report["lanes"][lane["name"]] for run in runs]
        assert lane["seen"] == [report["evaluator_top1"][0] for report in reports]


def test_recordings_of_other_networks_are_not_shown(engine: Engine, tmp_path: Path) -> None:
    for path in EMBEDDED_ZOO.iterdir():
        if path.name != "manifest.json":
            (tmp_path / path.name).symlink_to(path)
    manifest = (EMBEDDED_ZOO / "manifest.json").read_text("utf-8")
    sha256 = engine.zoo.entry("zero").stored.sha256
    (tmp_path / "manifest.json").write_text(manifest.replace(sha256, "0" * 64), "utf-8")
    other = Engine(FolderZoo(tmp_path), choose_compute("cpu"), tmp_path / "runs")
    found = read_evidence(other)
    assert (found.runs, found.given_away, found.strip()) == ({}, {}, {})
    assert found.claim == "No recorded table fits these classifiers."


def test_sheet_and_animation_are_saved_from_the_board(handlers: AttackHandlers) -> None:
    board: dict[str, Any] = {"run": "recorded/identity_41"}
    for kind, magic in (("png", b"\x89PNG"), ("webp", b"RIFF")):
        file = handlers.download({**board, "wanted": kind}, visit("b", **ABROAD))
        assert file["name"] == f"attack-identity-41-seed-0.{kind}"
        assert base64.b64decode(file["content"]).startswith(magic)
    with pytest.raises(gr.Error, match="no such run"):
        handlers.download({"run": "runs/attack-1", "wanted": "png"}, visit())


def test_an_opened_app_asks_for_nothing_of_pages_that_nobody_looks_at(engine: Engine) -> None:
    app = build_app(engine)
    targets = [target for event in app.fns.values() for target in event.targets]
    # Gradio writes 0 for the app where an event names no trigger.
    assert {part for part, event in targets if event == "load"} <= {0, app._id}
