"""On a server for others, what a tab makes belongs to it; at home everything is the owner's."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import gradio as gr
import pytest
from gradio.context import LocalContext

from mia_demo.attack.config import preset_config
from mia_demo.errors import ConfigError
from mia_demo.runs.training_run import TrainingRun
from mia_demo.system.device import choose_compute
from mia_demo.ui.attack.handlers import AttackHandlers
from mia_demo.ui.boards.sweep_view import resumed_by
from mia_demo.ui.compare.handlers import CompareHandlers
from mia_demo.ui.engine import who_asks
from mia_demo.ui.engine.engine import EMBEDDED, Engine
from mia_demo.ui.engine.own_room import MAX_OWN_PER_TAB, make_room, make_room_for_sweep
from mia_demo.ui.engine.sweeping import plan_sweep, sweep_work
from mia_demo.ui.engine.training_form import RECIPE
from mia_demo.ui.runs.repeater import check_lanes_exist
from mia_demo.ui.runs.visible_runs import visible_runs
from mia_demo.ui.shared.lanes import attack_lanes
from mia_demo.ui.train.handlers import TrainHandlers
from mia_demo.zoo.own_folder import MAX_OWN
from tests.server.visits import ABROAD, visit
from tests.tiny_zoo import make_tiny_zoo

TINY = preset_config("quick", lanes=("zero",), steps=1, candidates=1, kept=1, selection_rounds=1)
ADA, BOB, OWNER = visit("ada", **ABROAD), visit("bob", **ABROAD), visit("owner")


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    return Engine(make_tiny_zoo(tmp_path / "zoo"), choose_compute("cpu"), tmp_path / "runs")


@pytest.fixture(autouse=True)
def nobody_asks(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(who_asks.STREAMS, "is_watched", False)  # there is no server
    token = LocalContext.request.set(None)
    yield
    LocalContext.request.reset(token)


def asked_by(request: gr.Request, question: Callable[[], Any]) -> Any:
    """The answer, as Gradio gets it."""
    token = LocalContext.request.set(request)
    try:
        return question()
    finally:
        LocalContext.request.reset(token)


def train(engine: Engine, session: str) -> str:
    """A classifier as a finished training adds it."""
    entry = engine.zoo.entry("zero")
    tensors = engine.zoo.tensors(entry.name)
    record = replace(entry.training, recipe=RECIPE.to_json())
    name = engine.zoo.own.add(replace(entry, alpha=0.2, training=record), tensors)
    engine.owned_runs.put(TrainingRun(engine.zoo.entry(name)).key, session)
    return name


def lanes(engine: Engine, request: gr.Request) -> list[str]:
    choices = asked_by(request, lambda: attack_lanes(engine, request, engine.embedded))
    return [name for _, name in choices]


def test_a_classifier_is_on_its_tabs_page_alone(engine: Engine) -> None:
    name = train(engine, "ada")
    handlers = TrainHandlers(engine)
    assert name in lanes(engine, ADA)
    assert name not in lanes(engine, BOB)
    assert name in lanes(engine, OWNER)
    assert [item["name"] for item in asked_by(ADA, handlers.own.open)["items"]] == [name]
    assert asked_by(BOB, handlers.own.open)["items"] == []
    with pytest.raises(ConfigError, match="no classifier"):
        asked_by(BOB, lambda: handlers.own.read_part(EMBEDDED, name, 0))
    keys = {run.run.key for run in visible_runs(engine, ADA)}
    assert any(key.startswith(f"own/{name}/") for key in keys)
    assert not any(run.run.key.startswith("own/") for run in visible_runs(engine, BOB))


def test_nobody_attacks_or_deletes_another_tabs_classifier(engine: Engine) -> None:
    name = train(engine, "ada")
    handlers = TrainHandlers(engine)
    with pytest.raises(gr.Error, match="no classifier"):
        asked_by(BOB, lambda: handlers.api_delete(name))
    attack = AttackHandlers(engine)
    with pytest.raises(gr.Error, match="No lane"):
        asked_by(BOB, lambda: next(attack.api_attack(0, lanes=[name])))
    compare = CompareHandlers(engine)
    with pytest.raises(gr.Error, match="No lane"):
        asked_by(BOB, lambda: next(compare.api_sweep("0", lanes=[name])))
    assert name in asked_by(ADA, engine.zoo.target_names)
    assert name not in asked_by(ADA, lambda: handlers.api_delete(name))
    assert engine.zoo.own.targets() == []


def test_at_home_everything_is_the_owners(engine: Engine) -> None:
    name = train(engine, "an earlier visit")
    assert name not in asked_by(OWNER, lambda: TrainHandlers(engine).api_delete(name))


def test_a_tabs_sweep_is_nobody_elses(engine: Engine) -> None:
    compare = CompareHandlers(engine)

    def sweep() -> str:
        plan = plan_sweep(engine, TINY, "0", "0")
        job = compare._job(plan, sweep_work)
        assert [update.phase for update in job.updates()][-1] == "done"
        return compare.library.key(plan.folder)

    key = asked_by(ADA, sweep)
    assert key in asked_by(ADA, compare.keys)
    assert key not in asked_by(BOB, compare.keys)
    assert key in asked_by(OWNER, compare.keys)
    assert key in asked_by(ADA, lambda: compare.api_results(key))["available"]
    with pytest.raises(gr.Error, match="no results"):
        asked_by(BOB, lambda: compare.api_results(key))
    with pytest.raises(ConfigError, match="no results"):
        asked_by(BOB, lambda: compare.download(key, "csv"))
    # The same settings are another sweep.
    assert asked_by(BOB, sweep) != key


def test_a_full_list_loses_the_classifier_of_a_closed_tab(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(who_asks.TABS, "is_watched", True)
    who_asks.TABS.opened("ada")
    names = [train(engine, "ada"), train(engine, "closed"), train(engine, "closed")]
    names += [train(engine, "ada") for _ in range(MAX_OWN - 3)]
    asked_by(OWNER, lambda: make_room(engine))
    assert len(engine.zoo.own.targets()) == MAX_OWN  # the owner deletes what is too much
    asked_by(BOB, lambda: make_room(engine))
    left = [entry.name for entry in engine.zoo.own.targets()]
    assert left == [name for name in names if name != names[1]]
    asked_by(BOB, lambda: make_room(engine))  # there is room
    assert len(engine.zoo.own.targets()) == MAX_OWN - 1
    who_asks.TABS.closed("ada")


def test_a_tab_cannot_take_all_places(engine: Engine) -> None:
    for _ in range(MAX_OWN_PER_TAB):
        asked_by(ADA, lambda: make_room(engine))
        train(engine, "ada")
    with pytest.raises(ConfigError, match="of this browser tab are kept already; delete one"):
        asked_by(ADA, lambda: make_room(engine))
    asked_by(BOB, lambda: make_room(engine))
    asked_by(OWNER, lambda: make_room(engine))


def test_a_run_is_not_repeated_on_another_visitors_classifier_of_the_same_name(
    engine: Engine, tmp_path: Path
) -> None:
    hers, his = (engine.zoo.entry(name).stored.sha256 for name in ("zero", "negative"))
    other = make_tiny_zoo(tmp_path / "other")
    other.adopt(other, other.entry("zero"), "upload-1")
    engine.zoo.admit(other, "upload-1")
    check_lanes_exist(engine, ["upload-1"], {"upload-1": hers})
    with pytest.raises(ConfigError, match="'upload-1' of this run is gone"):
        check_lanes_exist(engine, ["upload-1"], {"upload-1": his})


def test_a_classifier_stays_its_tabs_however_many_runs_follow(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else nobody could delete it, and it would take a place of eight for ever."""
    monkeypatch.setattr("mia_demo.ui.engine.sessions.MAX_OWNED", 2)
    engine.owned_runs.put("own/own-1", "ada", lasts=True)
    for number in range(5):
        engine.owned_runs.put(f"attack-{number}", "bob")
    assert engine.owned_runs.tab("own/own-1") == "ada"
    assert engine.owned_runs.is_of("own/own-1", "ada")
    assert [engine.owned_runs.tab(f"attack-{n}") for n in range(5)] == ["", "", "", "bob", "bob"]


def test_sweeps_of_closed_tabs_make_room(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(who_asks.TABS, "is_watched", True)
    monkeypatch.setattr("mia_demo.ui.engine.own_room.MAX_CLOSED_SWEEPS", 1)
    who_asks.TABS.opened("ada")
    compare = CompareHandlers(engine)
    folders = {name: engine.runs / f"sweep-{name}" for name in ("old", "new", "hers", "owner")}
    for age, (name, folder) in enumerate(folders.items()):
        folder.mkdir(parents=True)
        os.utime(folder, (age, age))
        tab = {"old": "closed", "new": "closed", "hers": "ada"}.get(name)
        if tab:
            engine.owned_runs.put(compare.library.key(folder), tab)
    make_room_for_sweep(engine, compare.library, engine.runs / "sweep-wanted")
    assert [name for name, folder in folders.items() if folder.exists()] == [
        "new", "hers", "owner",
    ]  # fmt: skip
    who_asks.TABS.closed("ada")


def test_only_at_home_a_reload_finds_a_stopped_sweep_again() -> None:
    assert asked_by(OWNER, resumed_by) == "The same settings resume it, also after a reload."
    assert asked_by(ADA, resumed_by) == "The same settings resume it."  # a reload is another tab
