"""Own people behind the page: consent, privacy, and deletion while something is trained."""

from __future__ import annotations

import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np
import pytest
import torch
from PIL import Image

from mia_demo.attack.config import preset_config
from mia_demo.errors import ConfigError
from mia_demo.runs.attack_run import UNKEPT, UnkeptRun
from mia_demo.system.device import Compute
from mia_demo.ui.attack.handlers import AttackHandlers
from mia_demo.ui.engine import people_training, sessions
from mia_demo.ui.engine.device_queue import Ticket
from mia_demo.ui.engine.engine import EMBEDDED, Engine
from mia_demo.ui.engine.people_training import plan_series, plan_three_lanes, series_work
from mia_demo.ui.engine.training_form import parse_training
from mia_demo.ui.engine.training_speed import three_lanes_seconds
from mia_demo.ui.shared.app_state import AppState
from mia_demo.ui.shared.pace import Pace
from mia_demo.ui.train.handlers import TrainHandlers
from mia_demo.ui.train.people_handlers import PeopleHandlers
from mia_demo.ui.train.people_view import notes
from mia_demo.visitors.own_people import OwnPeople
from mia_demo.zoo.opening import open_zoo
from tests.server.visits import visit

FORM = (0.1, 3, 1, "early", "compact_resnet", 0.001, 1)


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    return Engine(open_zoo(), Compute(torch.device("cpu"), torch.float32), tmp_path / "runs")


@pytest.fixture
def handlers(engine: Engine) -> PeopleHandlers:
    return PeopleHandlers(engine, TrainHandlers(engine))


@pytest.fixture
def zipped(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    folder = tmp_path / "set"
    for name in ("ada", "bob"):
        (folder / name).mkdir(parents=True)
        for index in range(4):
            pixels = rng.integers(0, 256, (70, 60, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / name / f"{index}.png")
    return Path(shutil.make_archive(str(tmp_path / "people"), "zip", folder))


@pytest.fixture
def people(engine: Engine, zipped: Path) -> OwnPeople:
    *_, created = engine.own_people.create(zipped)
    assert isinstance(created, OwnPeople)
    return created


@pytest.fixture
def zip_with(zipped: Path) -> Callable[[str], Path]:
    def add(name: str) -> Path:
        with zipfile.ZipFile(zipped, "a") as archive:
            archive.writestr(name, b"x")
        return zipped

    return add


def test_without_consent_nothing_is_read_and_nothing_kept(
    handlers: PeopleHandlers, engine: Engine, zipped: Path
) -> None:
    with pytest.raises(gr.Error, match="Tick the line about consent first"):
        list(handlers.upload(str(zipped), False, visit()))
    assert not zipped.exists()  # nor does the upload itself stay
    assert not engine.own_people.folder.exists()


def test_a_refusal_shows_a_strangers_file_name_as_text(
    handlers: PeopleHandlers, zip_with: Callable[[str], Path]
) -> None:
    with pytest.raises(gr.Error) as error:
        list(handlers.upload(str(zip_with("a/<img src=x>.svg")), True, visit()))
    assert "&lt;img src=x&gt;.svg" in str(error.value)


def test_three_lanes_are_trained_after_an_evaluator_of_other_architecture(
    people: OwnPeople, engine: Engine
) -> None:
    series = plan_three_lanes(people, engine.zoo)
    assert [plan.kind for plan in series.plans] == ["evaluator", *["target"] * 3]
    assert [plan.config.alpha for plan in series.plans[1:]] == [0.1, 0.0, -0.05]
    judge, target = (plan.config.architecture for plan in series.plans[:2])
    assert judge != target
    assert all(plan.folder.parent == people.zoo.own.path for plan in series.plans)
    # 6 images to train on: 40 epochs of the evaluator, 100 of each target.
    for architecture, seconds in ((judge, 1.0), (target, 0.1)):
        engine.speed.note(f"training {architecture}", 1, seconds)
        engine.speed.note(f"testing {architecture}", 1, 0.0)
    assert three_lanes_seconds(engine, people) == pytest.approx(240 + 180)
    config, images = parse_training(*FORM[:4], "compact_densenet", *FORM[5:])
    with pytest.raises(ConfigError, match="must not judge its own kind"):
        plan_series(people, engine.runs, config, images)


def test_a_training_whose_people_are_deleted_ends_and_leaves_nothing(
    people: OwnPeople, engine: Engine, handlers: PeopleHandlers
) -> None:
    config, images = parse_training(*FORM)
    series = plan_series(people, engine.runs, config, images)
    work = series_work(series, engine)
    for _, update in work:
        if update.epochs:
            break
    panel, *_ = handlers.delete({"key": people.key}, visit())
    assert panel["status"] == "Deleted: photos, classifiers and evaluator."
    with pytest.raises(ConfigError, match="no longer on this machine"):
        list(work)
    assert list(engine.own_people.folder.iterdir()) == []


def test_deleting_people_frees_the_buttons_of_their_training(
    people: OwnPeople, engine: Engine, handlers: PeopleHandlers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sessions, "READER_SECONDS", 0)  # its reader is this test
    engine.device.draw(Ticket("an attack"))  # so that the training waits
    training = handlers.training.start(visit(), people.key, *FORM)
    _, start, _, stop, _, _ = next(training)
    assert (start["interactive"], stop["interactive"]) == (False, True)
    *_, board, start, pause, stop, three = handlers.delete({"key": people.key}, visit())
    assert board["phase"] == "stopped"
    states = [button["interactive"] for button in (start, pause, stop, three)]
    assert states == [True, False, False, True]
    *_, last = training
    assert all(output == gr.skip() for output in last)  # nothing comes after it


def test_expired_people_leave_nothing_in_memory(people: OwnPeople, engine: Engine) -> None:
    run = UnkeptRun(
        UNKEPT, Path(), False, "", preset_config("quick"), {}, people.key, people.names, {}, None
    )
    engine.unkept.put("a", run)
    engine.own_people._expire(people.zoo.own.path)
    assert engine.unkept.get("a") is None


def test_a_training_of_own_people_that_was_begun_is_told_where_it_goes_on(
    people: OwnPeople, engine: Engine, handlers: PeopleHandlers
) -> None:
    for architecture in ("compact_densenet", "compact_resnet"):
        engine.speed.note(f"training {architecture}", 1, 0.1)
        engine.speed.note(f"testing {architecture}", 1, 0.1)
    assert "not finished" not in handlers.estimate(people.key)["value"]
    work = series_work(plan_three_lanes(people, engine.zoo), engine)
    while not next(work)[1].epochs:  # its tab is closed after an epoch
        pass
    work.close()
    told = handlers.estimate(people.key)["value"]
    assert "Begun and not finished: the evaluator (1 of 40 epochs); the same settings" in told
    _, resumed = next(series_work(plan_three_lanes(people, engine.zoo), engine))
    assert len(resumed.epochs) == 1


def test_an_attack_on_own_people_is_its_tabs_alone_and_goes_with_them(
    people: OwnPeople, engine: Engine, handlers: PeopleHandlers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(people_training, "EVALUATOR_EPOCHS", (1, 1))
    config, images = parse_training(*FORM)
    list(series_work(plan_series(people, engine.runs, config, images), engine))
    attack = preset_config(
        "quick", lanes=("positive",), candidates=1, kept=1, steps=2, selection_rounds=1
    )
    engine.attack(attack, session="a", people=people).wait()
    attacks = AttackHandlers(engine)
    board = {"run": "unkept", "wanted": "png"}
    assert attacks.download(board, visit("a"))["name"] == "attack-identity-0-seed-0.png"
    run = engine.unkept.get("a")
    assert run is not None
    assert run.heading().startswith("ada, preset custom")
    with pytest.raises(gr.Error, match="no such run"):
        attacks.download(board, visit("b"))
    assert not list(engine.runs.glob("*/run.json"))
    handlers.delete({"key": people.key}, visit("a"))
    assert engine.unkept.get("a") is None


def test_classifiers_of_own_people_are_nobody_elses(
    people: OwnPeople, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(people_training, "EVALUATOR_EPOCHS", (1, 1))
    config, images = parse_training(*FORM)
    *_, (_, last) = series_work(plan_series(people, engine.runs, config, images), engine)
    assert last.name == "positive"
    assert people.zoo.entry("evaluator").test_accuracy is not None
    assert engine.zoo.own.targets() == []
    training = TrainHandlers(engine)
    own: dict[str, Any] = {"people": people.key, "newest": "positive"}
    state = AppState(engine, gr.Blocks(), gr.Tabs(), Pace())
    attacked, *pages = state.offered(visit(), own, EMBEDDED, ["zero"], ["zero"], ["zero"])
    assert attacked["value"] == people.key
    assert len(pages) == 3
    assert all("choices" not in lanes for lanes in pages)
    assert "part" in training.own.read_part(people.key, "positive", 0)
    with pytest.raises(ConfigError, match="no longer on this machine"):
        training.own.read_part(people.zoo.own.path.name, "positive", 0)


def test_the_preview_warns_of_what_will_go_wrong(people: OwnPeople) -> None:
    found = " ".join(notes(people.summary))
    assert "ada and 1 more have fewer than 10 photos" in found
    assert "The smallest photo has a side of 60 pixels: it is blown up." in found
    assert "8 photos are not square" in found
    assert "a guess is right 50% of the time" in found
    assert "Faces are not aligned" in found
