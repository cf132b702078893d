"""Trainings and sweeps on the Runs page: opened, compared, repeated, taken home."""

from __future__ import annotations

import base64
import json
import shlex
from pathlib import Path

import gradio as gr
import numpy as np
import pytest
import torch

from mia_demo.attack.config import preset_config
from mia_demo.cli import main
from mia_demo.errors import ConfigError
from mia_demo.runs.origin import place_of
from mia_demo.sweep.results import Record, SweepResults, judged_attacks, save_results
from mia_demo.system.device import choose_compute
from mia_demo.ui.engine.engine import EMBEDDED, Engine
from mia_demo.ui.engine.sweeping import attack_work, plan_sweep
from mia_demo.ui.engine.training import plan_training, training_work
from mia_demo.ui.engine.training_form import parse_training
from mia_demo.ui.runs.handlers import RunsHandlers
from mia_demo.ui.shared.app_state import AppState
from mia_demo.ui.shared.pace import Pace
from mia_demo.zoo.folder import FolderZoo
from mia_demo.zoo.manifest import library_versions
from tests.few_photos import zoo_of_few_photos
from tests.full_disk import full_disk
from tests.server.test_runs_handlers import ABROAD, visit
from tests.server.test_understand_handlers import row

TINY = {"candidates": 2, "kept": 2, "steps": 2, "selection_rounds": 1, "pool_size": 50}


@pytest.fixture(scope="module")
def zoo(tmp_path_factory: pytest.TempPathFactory) -> FolderZoo:
    return zoo_of_few_photos(tmp_path_factory.mktemp("few") / "zoo")


@pytest.fixture(scope="module")
def engine(zoo: FolderZoo, tmp_path_factory: pytest.TempPathFactory) -> Engine:
    """With two classifiers that were trained for one epoch on one photo of each person."""
    runs = tmp_path_factory.mktemp("runs") / "runs"
    engine = Engine(zoo, choose_compute("cpu"), runs)
    for seed in (3, 4):
        config, images = parse_training(-0.2, 1, 1, "at once", "compact_resnet", 0.001, seed)
        plan = plan_training(engine.zoo, runs, config, images)
        *_, last = training_work(plan, engine.zoo, engine)
        assert last.name == f"own-{seed - 2}"
    return engine


@pytest.fixture
def handlers(engine: Engine) -> RunsHandlers:
    return RunsHandlers(engine)


def keys(handlers: RunsHandlers, kind: str) -> list[str]:
    items = handlers.listing(visit())["items"]
    return [item["key"] for item in items if item["kind"] == kind and not item["badge"]]


def folders(engine: Engine) -> list[str]:
    return sorted(path.name for path in engine.runs.iterdir())


def test_a_training_opens_with_its_curves_and_its_command_makes_the_same_weights(
    engine: Engine,
    zoo: FolderZoo,
    handlers: RunsHandlers,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    second, first = keys(handlers, "training")  # newest first
    head, _, _, training, *_ = handlers.open({"chosen": first}, visit())
    assert head["title"] == "own-1, α = −0.2"
    assert head["words"][0] == "1 photo of each person, 1 epoch, Compact ResNet, " + (
        "learning rate 0.001, seed 3."
    )
    assert (training["numbers"], training["alpha"], training["total"]) == ((1,), (-0.2,), 1)
    assert training["latest"]["target"]
    link = "tab=train&alpha=-0.2&photos=1&epochs=1&schedule=at+once&architecture=compact_resnet"
    assert head["link"] == f"{link}&learning_rate=0.001&seed=3"

    monkeypatch.setattr("mia_demo.commands.training.open_zoo", lambda _: zoo)
    arguments = shlex.split(head["command"].removeprefix("python -m mia_demo "))
    arguments[-1] = str(tmp_path)  # the folder that it offers is on this machine's disk
    assert main([*arguments, "--device", "cpu"]) == 0
    repeated, kept = FolderZoo(tmp_path).tensors("alpha-0.2"), engine.zoo.tensors("own-1")
    assert all(torch.equal(repeated[name], tensor) for name, tensor in kept.items())

    file = handlers.download({"key": first, "wanted": "json"}, visit())
    assert file["name"] == "training-own-1.json"
    data = json.loads(base64.b64decode(file["content"]))
    assert data["sha256"] == engine.zoo.entry("own-1").stored.sha256
    assert data["training"]["recipe"]["seed"] == 3
    assert len(data["history"]) == 1
    with pytest.raises(gr.Error, match="no 'html' download"):
        handlers.download({"key": first, "wanted": "html"}, visit())
    with pytest.raises(gr.Error, match="no such run"):
        handlers.open({"chosen": first}, visit(**ABROAD))
    assert second != first


def test_a_repeated_training_has_the_same_weights_and_leaves_nothing(
    engine: Engine, handlers: RunsHandlers
) -> None:
    before = folders(engine)
    *_, last = handlers.repeat({"key": keys(handlers, "training")[1]}, visit())
    head, _, training, *_ = last
    assert head["identical"]
    assert head["repeated"].endswith("weights are identical, to the bit.")
    assert training["status"].startswith("Repeated")
    assert len(engine.zoo.own.targets()) == 2
    assert folders(engine) == before


def test_two_trainings_differ_in_what_was_set_and_what_came_out(handlers: RunsHandlers) -> None:
    second, first = keys(handlers, "training")
    details, _, compared, one, other, *_ = handlers.compare({"compared": [first, second]}, visit())
    assert "key" not in details  # nothing to repeat
    found = {d["setting"]: (d["first"], d["second"]) for d in compared["differences"]}
    assert found["seed"] == ("3", "4")
    assert found.keys() <= {"seed", "test accuracy", "train accuracy"}
    assert one["status"].startswith("own-1")
    assert other["status"].startswith("own-2")
    sweep = next(i for i in handlers.listing(visit())["items"] if i["kind"] == "sweep")
    with pytest.raises(gr.Error, match="two runs of the same kind"):
        handlers.compare({"compared": [first, sweep["key"]]}, visit())


def test_a_training_on_a_full_disk_says_so(engine: Engine) -> None:
    before = engine.zoo.target_names()
    config, images = parse_training(-0.2, 1, 1, "at once", "compact_resnet", 0.001, 5)
    plan = plan_training(engine.zoo, engine.runs, config, images)
    with full_disk(100_000), pytest.raises(ConfigError, match=r"Cannot write to .*free some space"):
        list(training_work(plan, engine.zoo, engine))
    assert engine.zoo.target_names() == before


@pytest.mark.parametrize("text", ["[" * 200_000, '[{"number": 1}]', "5", '[{"number": "1"}]'])
def test_damaged_curves_of_a_training_are_left_out(
    engine: Engine, handlers: RunsHandlers, text: str
) -> None:
    first = keys(handlers, "training")[1]
    path = engine.runs / "own" / "own-1.history.json"
    before = path.read_text()
    path.write_text(text)
    head, _, _, training, *_ = handlers.open({"chosen": first}, visit())
    path.write_text(before)
    assert head["title"].startswith("own-1")
    assert training == {}


def keep_tiny_sweep(engine: Engine) -> None:
    """Attacked in earnest; of its table, only what stands for a row is made up."""
    config = preset_config("quick", lanes=("zero",), **TINY)
    plan = plan_sweep(engine, config, "3,4", "0")
    for _ in attack_work(plan, engine.networks):
        pass
    record = Record(
        date="2026-01-02T03:04:05+00:00",
        commit="",
        settings={**config.to_json(), "identity": None, "seed": None},
        identities=[3, 4],
        seeds=[0],
        lanes=["zero"],
        **{name: place_of(engine.compute)[name] for name in ("device", "precision")},
        seconds=1.0,
        versions=library_versions(),
        checkpoints={"zero": engine.zoo.entry("zero").stored.sha256},
    )
    attacks = judged_attacks(plan)
    pictures = np.zeros((1, 2, 64, 64, 3), np.uint8)
    results = SweepResults(record, [row("zero")], attacks, {"zero": []}, pictures)
    save_results(results, plan.folder)


def test_a_sweep_is_repeated_and_compared(engine: Engine, handlers: RunsHandlers) -> None:
    keep_tiny_sweep(engine)
    (key,) = keys(handlers, "sweep")
    head, *_ = handlers.open({"chosen": key}, visit())
    assert head["link"] == f"tab=compare&results={key}"
    before = folders(engine)
    *_, last = handlers.repeat({"key": key}, visit())
    assert last[0]["repeated"] == "Repeated: all 2 verdicts are identical, to the bit."
    assert folders(engine) == before

    recorded = "results/standard"
    _, _, compared, *_ = handlers.compare({"compared": [key, recorded]}, visit())
    found = {d["setting"]: (d["first"], d["second"]) for d in compared["differences"]}
    assert found["identities"] == ("3-4", "0-99")
    (zero,) = [lane for lane in compared["lanes"] if lane["name"] == "zero"]
    assert [len(side["pictures"]) for side in zero["sides"]] == [2, 2]
    assert zero["sides"][0]["words"].startswith("Acc@1 ")
    positive = next(lane for lane in compared["lanes"] if lane["name"] == "positive")
    assert positive["sides"][0] is None
    # One whose classifiers are gone cannot be repeated.
    with pytest.raises(gr.Error, match=r"'alpha\+0.2' of this run is gone"):
        next(handlers.repeat({"key": "results/alphas"}, visit()))


def test_a_training_is_deleted_with_its_lane_and_its_curves(
    engine: Engine, handlers: RunsHandlers
) -> None:
    first = keys(handlers, "training")[1]
    assert engine.zoo.own.history_of("own-1")
    listing, *_ = handlers.delete({"chosen": first}, {}, visit())
    assert engine.zoo.target_names()[-1] == "own-2"
    assert not (engine.zoo.own.path / "own-1.history.json").exists()
    state = AppState(engine, gr.Blocks(), gr.Tabs(), Pace())
    _, *pages = state.offered(visit(), listing, EMBEDDED, ["zero", "own-1"], ["own-1", "zero"])
    assert [lanes["value"] for lanes in pages] == [["zero"], ["zero"]]
