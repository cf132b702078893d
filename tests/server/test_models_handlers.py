"""The Models page's handlers against a real HTTP stand-in of the Hub: what comes, what fails."""

from __future__ import annotations

import io
import json
import pickle
import shutil
import socket
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gradio as gr
import pytest
import torch
from huggingface_hub import constants
from PIL import Image

from mia_demo import added_store
from mia_demo.device import Compute
from mia_demo.manifest import MANIFEST
from mia_demo.own_people import OwnPeople
from mia_demo.ui import networks
from mia_demo.ui.attack_handlers import AttackHandlers
from mia_demo.ui.engine import EMBEDDED, Engine
from mia_demo.ui.knobs import KNOBS, preset_values
from mia_demo.ui.models_handlers import ModelsHandlers
from mia_demo.ui.models_view import NOTHING
from mia_demo.ui.train_handlers import TrainHandlers
from mia_demo.zoo import Zoo
from tests.hub_stand_in import OWNERS_TOKEN, HubStandIn
from tests.server.visits import ABROAD, visit
from tests.tiny_zoo import make_tiny_zoo

LANES = ["positive", "zero", "negative"]
TINY = {"candidates": 1, "kept": 1, "steps": 1, "selection_rounds": 1, "pool_size": 20}
HOME, STRANGER = visit(), visit("tab", **ABROAD)


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    zoo = make_tiny_zoo(tmp_path / "demo")
    return Engine(zoo, Compute(torch.device("cpu"), torch.float32), tmp_path / "runs")


@pytest.fixture
def handlers(engine: Engine) -> ModelsHandlers:
    return ModelsHandlers(engine)


@pytest.fixture
def same(engine: Engine, tmp_path: Path, hub: HubStandIn) -> str:
    """On the Hub: other targets of the demo's people; the commit."""
    folder = tmp_path / "same"
    shutil.copytree(engine.zoo.base.root, folder)
    zoo = Zoo(folder)
    for entry in zoo.entries("target"):
        tensors = zoo.tensors(entry.name)
        tensors["fc.weight"] *= 1.01
        zoo.add(entry, tensors, torch.float32)
    return hub.host(folder, "ada/same")


@pytest.fixture
def others(tmp_path: Path, hub: HubStandIn) -> str:
    """On the Hub: a zoo of other people; the commit."""
    zoo = make_tiny_zoo(tmp_path / "others")
    zoo.set_identities(["identities_0.zip"], 3)
    return hub.host(zoo.root, "ada/others")


class Page:
    """What a visitor's page shows, event by event."""

    def __init__(self, handlers: ModelsHandlers, request: gr.Request) -> None:
        self.handlers = handlers
        self.request = request
        self.panel: dict[str, Any] = dict(NOTHING)
        self.people: Any = {"value": EMBEDDED}
        self.lanes: Any = {"value": LANES}
        self.seen: list[str] = []

    def load(self, address: str) -> None:
        self._follow(self.handlers.load(address, *self._form(), self.request))

    def upload(self, *files: Path) -> None:
        self._follow(self.handlers.upload([str(f) for f in files], *self._form(), self.request))

    def remove(self, name: str) -> None:
        self.panel["chosen"] = name
        self._take(self.handlers.remove(*self._form(), self.request))

    @property
    def titles(self) -> list[str]:
        return [group["title"] for group in self.panel["groups"]]

    def names(self, group: int = 0) -> list[str]:
        return [item["name"] for item in self.panel["groups"][group]["items"]]

    def _form(self) -> tuple[Any, ...]:
        return self.panel, self.people["value"], self.lanes["value"], {}

    def _follow(self, events: Iterator[tuple[Any, ...]]) -> None:
        for event in events:
            *_, load, stop = event  # named in every frame, see ui/job_buttons.py
            assert load["interactive"] is not stop["interactive"]
            self._take(event)
            self.seen.append(self.panel["status"])

    def _take(self, event: tuple[Any, ...]) -> None:
        panel, people, lanes, *_ = event
        self.panel = panel
        # gr.skip() is an update without anything in it.
        self.people |= {k: v for k, v in people.items() if k in ("choices", "value")}
        self.lanes |= {k: v for k, v in lanes.items() if k in ("choices", "value")}


def attack(engine: Engine, request: gr.Request, key: str, *lanes: str) -> dict[str, Any]:
    """The last board of an attack by the form."""
    settings = zip(KNOBS, preset_values("quick"), strict=True)
    knobs = [TINY.get(knob.name, value) for knob, value in settings]
    boards = AttackHandlers(engine).start(request, 1, "quick", 0, list(lanes), key, *knobs)
    *_, (last, _, _) = boards
    return dict(last)


def works(engine: Engine) -> bool:
    """Whether the demo's own zoo goes on working."""
    return attack(engine, HOME, EMBEDDED, "zero")["phase"] == "done"


# -- what is loaded -------------------------------------------------------------------------------


def test_the_page_says_what_is_loaded_and_from_where(
    engine: Engine, handlers: ModelsHandlers
) -> None:
    panel = handlers.look(dict(NOTHING), {}, HOME)
    assert [fact["label"] for fact in panel["machine"]] == ["Device", "Memory of the demo"]
    assert panel["machine"][1]["value"].endswith("B")
    (group,) = panel["groups"]
    assert [i["name"] for i in group["items"]] == [*LANES, "evaluator", "embedder", "prior", "pool"]
    zero = group["items"][1]
    entry = engine.zoo.entry("zero")
    assert zero["alpha"] == "α = 0"
    assert zero["architecture"] == "compact_resnet, 16 px, 3 people"
    assert zero["accuracy"] == f"{entry.test_accuracy:.1%} test accuracy"
    assert zero["sha256"] == entry.stored.sha256
    assert zero["sha256"].startswith(zero["short"])
    assert zero["entry"] == entry.to_json()
    assert not zero["remove"]
    assert group["words"].startswith("From the folder demo")
    assert str(engine.zoo.base.root) not in json.dumps(panel)
    assert panel["note"] == ""
    assert "Others use this server" in handlers.look(panel, {}, STRANGER)["note"]


def test_accuracies_are_measured_again_on_request(engine: Engine, handlers: ModelsHandlers) -> None:
    *_, last = handlers.measure(dict(NOTHING), {}, HOME)
    assert last["status"] == "Measured 4 classifiers on their test photos: all as stated."
    words = [item["measured"] for item in last["groups"][0]["items"]]
    assert all(found.endswith("of 6 test photos, as stated") for found in words[:4])
    assert words[4:] == ["", "", ""]  # embedder, prior, pool
    # Weights that went bad are told, and the others measured.
    (engine.zoo.base.root / "zero.safetensors").write_bytes(b"bad")
    *_, last = handlers.measure(dict(NOTHING), {}, HOME)
    assert "Measured 3 classifiers" in last["status"]
    assert "zero.safetensors differs from its manifest entry" in last["status"]


def test_own_people_are_shown_to_their_tab(
    engine: Engine, handlers: ModelsHandlers, tmp_path: Path
) -> None:
    photo = io.BytesIO()
    Image.new("RGB", (64, 64)).save(photo, "PNG")
    with zipfile.ZipFile(tmp_path / "people.zip", "w") as archive:
        for name in ("ada", "bob"):
            for index in range(4):
                archive.writestr(f"{name}/{index}.png", photo.getvalue())
    *_, people = engine.own_people.create(tmp_path / "people.zip")
    assert isinstance(people, OwnPeople)
    own = {"key": people.key}
    panel = handlers.look(dict(NOTHING), own, STRANGER)
    assert [group["title"] for group in panel["groups"]][1] == "Your own 2 people"
    *_, last = handlers.measure(panel, own, STRANGER)  # nothing is trained on them yet
    assert last["status"] == "Measured 4 classifiers on their test photos: all as stated."
    guessed = handlers.look(panel, {"key": "guessed"}, STRANGER)
    assert len(guessed["groups"]) == 1


# -- zoos of the Hub ------------------------------------------------------------------------------


def test_lanes_come_from_the_hub_with_progress_and_the_commit(
    engine: Engine, handlers: ModelsHandlers, same: str
) -> None:
    page = Page(handlers, HOME)
    page.load("hf://ada/same")
    assert page.seen[0] == "Asking the Hub for hf://ada/same@main …"
    assert (
        page.panel["status"] == "Added hub-1, hub-2, hub-3. They are lanes of the Attack page now."
    )
    assert page.names()[:6] == [*LANES, "hub-1", "hub-2", "hub-3"]
    assert page.panel["groups"][0]["items"][5]["source"] == f"negative of hf://ada/same@{same}"
    assert page.lanes["value"] == [*LANES, "hub-1", "hub-2", "hub-3"]
    assert page.lanes["choices"][-1] == ("hub-3 (negative, α −0.05)", "hub-3")
    board = attack(engine, HOME, EMBEDDED, *page.lanes["value"])
    assert [lane["name"] for lane in board["lanes"]] == page.lanes["value"]
    assert len({lane["style"] for lane in board["lanes"]}) == 6
    # Another tab on the same machine has them too, also after a restart.
    again = Engine(engine.zoo.base, engine.compute, engine.runs)
    _, lanes, *_ = TrainHandlers(again).open(visit("b"))
    assert lanes["choices"][-1] == ("hub-3 (negative, α −0.05)", "hub-3")
    page.remove("hub-2")
    assert page.panel["status"] == "Removed: hub-2."
    assert page.lanes["value"] == [*LANES, "hub-1", "hub-3"]
    with pytest.raises(gr.Error, match="removed already"):
        page.remove("hub-2")
    with pytest.raises(gr.Error, match="removed already"):
        page.remove("zero")


def test_progress_is_told_while_a_download_runs_and_stop_ends_it(
    handlers: ModelsHandlers, hub: HubStandIn, same: str
) -> None:
    hub.faults["prior.safetensors"] = "stall"
    page = Page(handlers, HOME)
    events = handlers.load("hf://ada/same", *page._form(), HOME)
    for panel, *_ in events:
        if panel["status"].startswith("Downloading: ") and 0 < panel["progress"] < 1:
            handlers.stop(HOME)
        last = panel
    assert last["status"] == "Stopped; nothing was added."
    assert handlers.engine.added.owner.lanes() == []


def test_a_zoo_of_other_people_is_attacked_and_removed(
    engine: Engine, handlers: ModelsHandlers, others: str
) -> None:
    page = Page(handlers, HOME)
    page.load(f"hf://ada/others@{others}")
    assert page.panel["status"] == (
        f"Loaded hf://ada/others@{others}: its 3 people are on the Attack page now, with the lanes "
        "positive, zero, negative."
    )
    assert page.titles == ["The demo’s 3 people", "3 people of hf://ada/others"]
    assert page.panel["groups"][1]["link"].endswith(f"/ada/others/tree/{others}")
    key = page.people["value"]
    assert page.people["choices"][1] == ("3 people of hf://ada/others", key)
    assert attack(engine, HOME, key, "negative", "zero")["phase"] == "done"
    *_, last = handlers.measure(page.panel, {}, HOME)
    assert last["status"] == "Measured 8 classifiers on their test photos: all as stated."
    page.remove(key)
    assert page.people["value"] == EMBEDDED
    assert len(page.people["choices"]) == 1
    with pytest.raises(gr.Error, match="load their zoo again"):
        attack(engine, HOME, key, "zero")
    assert works(engine)


def break_zoo(hub: HubStandIn, commit: str, what: str) -> None:
    repo = hub.repos["ada/others"]
    files = dict(repo.commits[commit])
    manifest = json.loads(files[MANIFEST])
    zero = next(entry for entry in manifest["checkpoints"] if entry["name"] == "zero")
    if what == "gated":
        repo.gated = True
    elif what == "private":
        repo.private = True
    elif what == "damaged on the way":
        hub.faults["zero.safetensors"] = "flip"
    elif what == "half there":
        del files["zero.safetensors"]
    elif what == "no zoo":
        files = {"pytorch_model.bin": pickle.dumps({})}
    elif what == "pickle":
        zero["file"] = "zero.pt"
    elif what == "folder":
        manifest["folder"] = {"path": "/home", "layout": "folders", "seed": 0}
    elif what == "evaluator":
        entry = next(entry for entry in manifest["checkpoints"] if entry["name"] == "evaluator")
        entry["architecture"] = "resnet18"
        entry["arguments"] = {}
    if MANIFEST in files:
        files[MANIFEST] = json.dumps(manifest).encode()
    hub.put("ada/others", files)


@pytest.mark.parametrize(
    ("what", "sentence"),
    [
        ("private", "is private and this machine is not logged in"),
        ("gated", "is gated: accept its conditions at"),
        ("damaged on the way", "zero.safetensors arrived damaged twice"),
        ("half there", "lacks zero.safetensors, which its manifest lists"),
        ("no zoo", "pytorch_model.bin is a pickle, which is never opened"),
        ("pickle", "zero.pt where a .safetensors file belongs"),
        ("folder", "names a folder of its maker's machine"),
        ("evaluator", "evaluator.safetensors does not fit architecture resnet18"),
    ],
)
def test_each_failure_is_one_sentence_and_the_demo_goes_on(
    engine: Engine, handlers: ModelsHandlers, hub: HubStandIn, others: str, what: str, sentence: str
) -> None:
    break_zoo(hub, others, what)
    page = Page(handlers, HOME)
    with pytest.raises(gr.Error) as error:
        page.load("hf://ada/others")
    assert sentence in page.panel["status"]
    assert page.panel["phase"] == "failed"
    assert str(error.value.message).replace("&#x27;", "'") == page.panel["status"]
    assert works(engine)


@pytest.mark.parametrize(
    "address", ["ada/others", "hf://ada", "hf://a/b@<img src=x>", "hf://none/none"]
)
def test_a_wrong_address_is_said(handlers: ModelsHandlers, hub: HubStandIn, address: str) -> None:
    page = Page(handlers, HOME)
    with pytest.raises(gr.Error, match=r"no address of a zoo|does not exist") as error:
        page.load(address)
    assert "<img" not in error.value.message  # a toast renders HTML
    assert [r for r in hub.requests if "none" not in r.path] == []


def test_a_hub_that_cannot_be_reached_is_said_within_5_seconds(
    engine: Engine, handlers: ModelsHandlers, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    template = f"http://127.0.0.1:{port}/{{repo_id}}/resolve/{{revision}}/{{filename}}"
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    page = Page(handlers, HOME)
    start = time.monotonic()
    with pytest.raises(gr.Error, match="cannot be reached"):
        page.load("hf://ada/others")
    assert time.monotonic() - start < 5
    assert works(engine)


# -- files ----------------------------------------------------------------------------------------


@pytest.fixture
def files(engine: Engine, tmp_path: Path) -> tuple[Path, Path]:
    """Weights and entry, as a browser sends them: under names of the visitor's choice."""
    zoo = Zoo.create(tmp_path / "mine")
    tensors = engine.zoo.tensors("zero")
    tensors["fc.weight"] *= 1.02
    zoo.add(engine.zoo.entry("zero"), tensors, torch.float32)
    weights, entry = tmp_path / "<img src=x>.SAFETENSORS", tmp_path / "entry.json"
    weights.write_bytes((zoo.root / "zero.safetensors").read_bytes())
    entry.write_text(json.dumps(zoo.entry("zero").to_json()))
    return weights, entry


def test_an_uploaded_classifier_is_a_lane(
    engine: Engine, handlers: ModelsHandlers, files: tuple[Path, Path]
) -> None:
    page = Page(handlers, HOME)
    page.upload(*files)
    assert page.panel["status"] == "Added upload-1. It is a lane of the Attack page now."
    assert page.lanes["value"] == [*LANES, "upload-1"]
    item = next(i for i in page.panel["groups"][0]["items"] if i["name"] == "upload-1")
    assert (item["source"], item["remove"]) == ("uploaded as zero", True)
    assert not any(path.exists() for path in files)  # the upload itself does not stay
    assert attack(engine, HOME, EMBEDDED, "zero", "upload-1")["phase"] == "done"


@pytest.mark.parametrize(
    ("break_it", "sentence"),
    [
        ("one file", "Choose two files at once"),
        ("a pickle", r"Pickles \(\.pt, \.bin, \.pkl\) are never opened"),
        ("other bytes", "sha256 of the weights is not that of their entry"),
        ("other people", "zero tells 100 people apart, here are 3"),
        ("other network", "does not fit architecture resnet18"),
        ("no entry", "is no JSON"),
    ],
)
def test_a_bad_upload_is_one_sentence_and_leaves_nothing(
    engine: Engine,
    handlers: ModelsHandlers,
    files: tuple[Path, Path],
    break_it: str,
    sentence: str,
) -> None:
    weights, entry = files
    sent = [weights, entry]
    values = json.loads(entry.read_text())
    if break_it == "one file":
        sent = [weights]
    elif break_it == "a pickle":
        sent[0] = weights.with_suffix(".pt")
        sent[0].write_bytes(pickle.dumps({}))
    elif break_it == "other bytes":
        data = bytearray(weights.read_bytes())
        data[-1] ^= 1
        weights.write_bytes(data)
    elif break_it == "other people":
        entry.write_text(json.dumps({**values, "num_classes": 100}))
    elif break_it == "other network":
        entry.write_text(json.dumps({**values, "architecture": "resnet18", "arguments": {}}))
    else:
        entry.write_bytes(b"\x80\x04")
    page = Page(handlers, HOME)
    with pytest.raises(gr.Error, match=sentence):
        page.upload(*sent)
    assert not any(path.exists() for path in sent)
    assert engine.added.owner.lanes() == []
    assert works(engine)


# -- a server for others --------------------------------------------------------------------------


def test_what_a_tab_adds_is_on_no_other_page(
    engine: Engine, handlers: ModelsHandlers, same: str, others: str, hub: HubStandIn
) -> None:
    mine, theirs = Page(handlers, STRANGER), Page(handlers, visit("other", **ABROAD))
    mine.load("hf://ada/same")
    mine.load("hf://ada/others")
    assert mine.names()[3:6] == ["hub-1", "hub-2", "hub-3"]
    assert len(mine.panel["key"]) >= 32
    theirs.panel = handlers.look(theirs.panel, {}, theirs.request)
    assert theirs.names()[:4] == [*LANES, "evaluator"]
    assert theirs.titles == ["The demo’s 3 people"]
    assert engine.zoo.target_names() == LANES
    with pytest.raises(gr.Error, match="No lane 'hub-1'; this zoo has positive, zero, negative"):
        attack(engine, theirs.request, EMBEDDED, "hub-1")
    with pytest.raises(gr.Error, match="No lane 'hub-1'"):
        list(AttackHandlers(engine).api(1, lanes=["hub-1"]))
    for name in ("hub-1", mine.people["value"]):
        with pytest.raises(gr.Error, match="not yours to remove"):
            theirs.remove(name)
    assert attack(engine, STRANGER, EMBEDDED, "hub-1")["phase"] == "done"
    # A reload is another session; the tab's key opens what it added.
    reloaded = visit("reloaded", **ABROAD)
    panel, people, lanes, *_ = handlers.restore(mine.panel["key"], EMBEDDED, LANES, {}, reloaded)
    assert [label for label, _ in people["choices"]][1] == "3 people of hf://ada/others"
    assert lanes["choices"][3][1] == "hub-1"
    assert len(panel["groups"]) == 2
    panel, people, *_ = handlers.restore("guessed", EMBEDDED, LANES, {}, visit("x", **ABROAD))
    assert len(panel["groups"]) == len(people["choices"]) == 1


def test_a_visitor_does_not_get_what_the_servers_token_may_see(
    handlers: ModelsHandlers, hub: HubStandIn, others: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.repos["ada/others"].private = True
    monkeypatch.setenv("HF_TOKEN", OWNERS_TOKEN)
    with pytest.raises(gr.Error, match="only public zoos can be loaded"):
        Page(handlers, STRANGER).load("hf://ada/others")
    assert not any(request.authorized for request in hub.requests)
    assert handlers.engine.added._tabs == {}  # whoever got nothing takes up no place
    Page(handlers, HOME).load("hf://ada/others")


def test_a_visitor_gets_no_large_zoo(
    handlers: ModelsHandlers, hub: HubStandIn, others: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(added_store, "MOST_ZOO_BYTES", 1000)
    with pytest.raises(gr.Error, match="larger than 0 MB, too large for this demo"):
        Page(handlers, STRANGER).load("hf://ada/others")
    assert set(hub.downloaded()) == {MANIFEST}


def test_one_visitor_after_the_other(
    engine: Engine, handlers: ModelsHandlers, hub: HubStandIn, same: str
) -> None:
    hub.faults["prior.safetensors"] = "stall"
    first = handlers.load("hf://ada/same", *Page(handlers, STRANGER)._form(), STRANGER)
    for panel, *_ in first:
        if panel["status"].startswith("Downloading"):
            break
    second = Page(handlers, visit("second", **ABROAD))
    events = handlers.load("hf://ada/same", *second._form(), second.request)
    next(events)
    panel, *_ = next(events)
    assert panel["status"] == "Another visitor's addition is running; yours comes after it."
    hub.faults.clear()
    hub.released.set()
    first.close()  # a closed tab ends its download
    *_, (panel, *_) = events
    assert panel["status"].startswith("Added hub-")


# -- six lanes ------------------------------------------------------------------------------------


def test_a_seventh_lane_is_refused_and_not_ticked_by_itself(
    engine: Engine, handlers: ModelsHandlers, same: str, files: tuple[Path, Path]
) -> None:
    page = Page(handlers, HOME)
    page.load("hf://ada/same")
    page.upload(*files)
    assert page.panel["status"].endswith("Not ticked there, for want of room: upload-1.")
    six = page.lanes["value"]
    assert len(six) == 6
    with pytest.raises(
        gr.Error, match="7 lanes are ticked, but the board has room for 6; untick 1"
    ):
        attack(engine, HOME, EMBEDDED, *six, "upload-1")
    assert attack(engine, HOME, EMBEDDED, *six[:5], "upload-1")["phase"] == "done"


def test_few_added_lanes_stay_in_memory(
    engine: Engine, handlers: ModelsHandlers, same: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(networks, "MOST_GUESTS", 1)
    Page(handlers, HOME).load("hf://ada/same")
    for lane in ("hub-1", "zero", "hub-2"):
        assert attack(engine, HOME, EMBEDDED, lane)["phase"] == "done"
    assert sorted(engine.networks.attacker()._lanes) == ["hub-2", "zero"]
