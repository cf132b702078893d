"""Who sees and changes which runs, and what the Runs page's handlers answer."""

from __future__ import annotations

import base64
import json
import shutil
from collections.abc import Callable
from typing import Any

import gradio as gr
import pytest

from mia_demo.attack.config import preset_config
from mia_demo.system.device import choose_compute
from mia_demo.ui.boards.attack_presenter import BoardPresenter
from mia_demo.ui.boards.attack_view import ready_board
from mia_demo.ui.engine.engine import Engine
from mia_demo.ui.engine.who_asks import is_private
from mia_demo.ui.runs.handlers import RunsHandlers
from mia_demo.zoo.folder import EMBEDDED_ZOO, FolderZoo
from tests.full_disk import full_disk
from tests.server.visits import ABROAD, visit

TINY = {"candidates": 2, "kept": 2, "steps": 3, "selection_rounds": 1, "pool_size": 50}
CONFIG = preset_config("quick", identity=7, lanes=("zero",), **TINY)


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    runs = tmp_path_factory.mktemp("runs") / "runs"
    return Engine(FolderZoo(EMBEDDED_ZOO), choose_compute("cpu", "fp32"), runs)


@pytest.fixture
def handlers(engine: Engine) -> RunsHandlers:
    return RunsHandlers(engine)


@pytest.fixture
def attack(engine: Engine) -> Callable[..., str]:
    """Runs an attack for a tab and returns its key, without those of earlier tests."""

    def start(session: str = "a", stop_after: int | None = None) -> str:
        for run in engine.kept.attacks():
            if not run.is_recorded:
                engine.kept.delete(run.key)
        job = engine.attack(CONFIG, every_frame=True, session=session)
        for update in job.updates():
            if getattr(getattr(update, "frame", None), "step", 0) == stop_after:
                break
        job.wait(60)
        return next(run.key for run in engine.kept.attacks() if not run.is_recorded)

    return start


def own(listing: dict[str, Any]) -> list[str]:
    return [item["key"] for item in listing["items"] if item["change"]]


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        (visit(), True),
        (visit(host="localhost:7860"), True),
        (visit(host="[::1]:7860", client="::1"), True),
        (visit(client="192.168.1.20"), False),
        (visit(host="abc.gradio.live"), False),
        (visit(x_forwarded_for="203.0.113.5"), False),
        (visit(host=""), False),
    ],
)
def test_only_a_visit_on_loopback_is_private(request_: gr.Request, expected: bool) -> None:
    assert is_private(request_) is expected


@pytest.mark.parametrize(
    ("name", "value"),
    [("GRADIO_SERVER_NAME", "0.0.0.0"), ("GRADIO_SHARE", "True"), ("SPACE_ID", "user/demo")],  # noqa: S104
)
def test_a_demo_that_is_served_to_others_is_not_private(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    assert not is_private(visit())


def test_at_home_old_runs_come_back_and_abroad_nobody_sees_anothers(
    engine: Engine, handlers: RunsHandlers, attack: Callable[..., str]
) -> None:
    key = attack("a")
    assert own(handlers.listing(visit("later"))) == [key]
    assert own(handlers.listing(visit("a", **ABROAD))) == [key]
    theirs = handlers.listing(visit("b", **ABROAD))
    assert own(theirs) == []
    assert {item["badge"] for item in theirs["items"]} == {"recorded"}
    for forbidden in (
        lambda: handlers.open({"chosen": key}, visit("b", **ABROAD)),
        lambda: handlers.rename({"chosen": key, "name": "x"}, visit("b", **ABROAD)),
        lambda: handlers.delete({"chosen": key}, {}, visit("b", **ABROAD)),
        lambda: handlers.download({"key": key, "wanted": "json"}, visit("b", **ABROAD)),
        lambda: next(handlers.repeat({"key": key}, visit("b", **ABROAD))),
        lambda: handlers.compare({"compared": [key, key]}, visit("b", **ABROAD)),
        lambda: handlers.open({"chosen": key}, visit("", **ABROAD)),
    ):
        with pytest.raises(gr.Error, match=r"no such run|not yours"):
            forbidden()
    assert engine.kept.attack(key).name == ""


def test_titles_tell_runs_of_the_same_settings_apart(
    engine: Engine, handlers: RunsHandlers, attack: Callable[..., str]
) -> None:
    key = attack("a")
    folder = engine.kept.attack(key).folder
    twin = shutil.copytree(folder, folder.with_name(f"{folder.name}-twin"))
    report = json.loads((twin / "run.json").read_text("utf-8"))
    report["date"] = "2026-01-02T03:04:05+00:00"
    (twin / "run.json").write_text(json.dumps(report), "utf-8")
    listed = handlers.listing(visit())["items"]
    titles = [item["title"] for item in listed if item["change"]]
    assert "Identity 7, seed 0, 03:04:05" in titles
    assert len(set(titles)) == 2
    compared = handlers.compare({"compared": [item["key"] for item in listed[:2]]}, visit())[2]
    assert set(compared["titles"]) == set(titles)
    assert [len(photos) for photos in compared["photos"]] == [1, 1]
    shutil.rmtree(twin)


def test_a_stopped_attack_is_listed_opened_and_repeated_up_to_its_step(
    handlers: RunsHandlers, attack: Callable[..., str]
) -> None:
    key = attack("a", stop_after=2)
    item = next(i for i in handlers.listing(visit())["items"] if i["key"] == key)
    assert item["badge"].startswith("stopped at step")
    head, board, *_ = handlers.open({"chosen": key}, visit())
    assert board["phase"] == "stopped"
    assert board["replay"]["moments"][-1]["stage"] == "optimisation"
    *frames, last = handlers.repeat(head, visit())
    for *_, again, stop in frames:  # named in every frame, see ui/shared/handler.py
        assert stop["interactive"] is not again["interactive"]
    assert last[0]["identical"] is True
    assert "all 2 pictures are identical, to the bit" in last[0]["repeated"]
    assert last[1]["phase"] == "stopped"


def test_a_damaged_run_is_shown_as_damaged_and_harms_nobody(
    engine: Engine, handlers: RunsHandlers, attack: Callable[..., str]
) -> None:
    damaged = engine.runs / "damaged"
    damaged.mkdir(parents=True)
    (damaged / "run.json").write_text("[" * 200_000)
    key = attack("a")
    items = {item["key"]: item for item in handlers.listing(visit())["items"]}
    assert items[key]["badge"] == ""
    assert items["runs/damaged"]["badge"] == "damaged"
    assert "nested too deeply" in items["runs/damaged"]["words"]
    theirs = handlers.listing(visit("b", **ABROAD))["items"]
    assert "runs/damaged" not in [item["key"] for item in theirs]

    head, *_, again, _ = handlers.open({"chosen": "runs/damaged"}, visit())
    assert "delete it" in head["words"][-1]
    assert again["visible"] is False
    with pytest.raises(gr.Error, match="cannot be repeated"):
        next(handlers.repeat({"key": "runs/damaged"}, visit()))
    with pytest.raises(gr.Error, match="same kind"):
        handlers.compare({"compared": ["runs/damaged", key]}, visit())
    handlers.delete({"chosen": "runs/damaged"}, {}, visit())
    assert not damaged.exists()


@pytest.mark.parametrize("text", ["[" * 200_000, '{"record": {"date": 5}}', "5", ""])
def test_a_damaged_sweep_is_shown_as_damaged_and_harms_nobody(
    engine: Engine, handlers: RunsHandlers, text: str
) -> None:
    folder = engine.runs / "sweep-quick-damaged"
    folder.mkdir(parents=True)
    (folder / "results.json").write_text(text)
    key = "runs/sweep-quick-damaged"
    items = handlers.listing(visit())["items"]
    assert {item["key"]: item["badge"] for item in items}[key] == "damaged"
    assert "results/standard" in [item["key"] for item in items]
    handlers.delete({"chosen": key}, {}, visit())
    assert not folder.exists()


def test_a_run_without_its_pictures_is_shown_as_damaged(
    engine: Engine, handlers: RunsHandlers, attack: Callable[..., str]
) -> None:
    key = attack("a")
    for picture in engine.kept.attack(key).folder.glob("*.png"):
        picture.write_bytes(b"\x89PNG\r\n\x1a\n")
    item = next(i for i in handlers.listing(visit())["items"] if i["key"] == key)
    assert item["badge"] == "damaged"
    with pytest.raises(gr.Error, match="pictures of this run are damaged"):
        handlers.open({"chosen": key}, visit())
    handlers.delete({"chosen": key}, {}, visit())
    assert key not in own(handlers.listing(visit()))


@pytest.mark.parametrize("stop_after", [None, 2])
def test_an_attack_that_was_not_kept_says_so_and_why(
    engine: Engine, stop_after: int | None
) -> None:
    before = engine.kept.runs()
    presenter = BoardPresenter(ready_board(engine.embedded, 7, ["zero"]), CONFIG, engine.embedded)
    with full_disk(1000):
        job = engine.attack(CONFIG, every_frame=True, session="a")
        for update in job.updates():
            presenter.update(update)
            if update.frame.step == stop_after and update.frame.stage == "optimisation":
                break
        assert job.wait(60)
    board = presenter.over()
    assert board.status.startswith("Stopped at step 2" if stop_after else "Done in ")
    assert "It was not kept as a run: Cannot write to" in board.status
    assert "File too large" in board.announcement
    assert engine.kept.runs() == before


def test_a_hostile_name_stays_a_name(
    engine: Engine, handlers: RunsHandlers, attack: Callable[..., str]
) -> None:
    key = attack("a")
    folder = engine.kept.attack(key).folder
    name = "../../<img src=x onerror=alert(1)>.json"
    listing = handlers.rename({"chosen": key, "name": name}, visit())
    assert name in [item["title"] for item in listing["items"]]
    assert engine.kept.attack(key).folder == folder
    file = handlers.download({"key": key, "wanted": "json"}, visit())
    assert file["name"] == "attack-identity-7-seed-0.json"
    assert json.loads(base64.b64decode(file["content"]))["name"] == name
    with pytest.raises(gr.Error, match="80 letters"):
        handlers.rename({"chosen": key, "name": "x" * 500}, visit())
    listing, head, board, *_ = handlers.delete({"chosen": key}, {"key": key}, visit())
    assert own(listing) == []
    assert (head, board) == ({}, {})


def test_recorded_runs_and_sweeps_can_be_opened_but_not_changed(handlers: RunsHandlers) -> None:
    items = handlers.listing(visit())["items"]
    recorded = [item for item in items if item["badge"] == "recorded"]
    assert {item["kind"] for item in recorded} == {"attack", "sweep"}
    for item in recorded:
        head, *_ = handlers.open({"chosen": item["key"]}, visit("b", **ABROAD))
        assert head["recorded"]
        assert head["command"].startswith(f"python -m mia_demo {item['kind']} ")
        with pytest.raises(gr.Error, match="not yours to change"):
            handlers.delete({"chosen": item["key"]}, {}, visit())


def test_own_sweeps_are_listed_at_home_and_deleted(engine: Engine, handlers: RunsHandlers) -> None:
    shutil.copytree(EMBEDDED_ZOO / "results" / "alphas", engine.runs / "sweep-quick-0123")
    key = "runs/sweep-quick-0123"
    assert key in own(handlers.listing(visit()))
    assert key not in [item["key"] for item in handlers.listing(visit(**ABROAD))["items"]]
    with pytest.raises(gr.Error, match="no such run"):
        handlers.delete({"chosen": key}, {}, visit(**ABROAD))
    handlers.delete({"chosen": key}, {}, visit())
    assert not (engine.runs / "sweep-quick-0123").exists()
