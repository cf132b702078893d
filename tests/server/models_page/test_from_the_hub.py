"""What is loaded, and what comes from a real HTTP stand-in of the Hub, or fails to."""

from __future__ import annotations

import io
import json
import pickle
import socket
import time
import zipfile
from pathlib import Path

import gradio as gr
import pytest
from huggingface_hub import constants
from PIL import Image

from mia_demo.ui.engine.engine import EMBEDDED, Engine
from mia_demo.ui.models.handlers import ModelsHandlers
from mia_demo.ui.models.view import NOTHING
from mia_demo.ui.shared.app_state import AppState
from mia_demo.ui.shared.handler import stop_job
from mia_demo.ui.shared.pace import Pace
from mia_demo.visitors.own_people import OwnPeople
from mia_demo.zoo.manifest import MANIFEST
from tests.hub_stand_in import HubStandIn
from tests.server.models_page.visitor import HOME, LANES, STRANGER, Page, attack, works
from tests.server.visits import visit

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
    lanes, *_ = AppState(again, gr.Blocks(), gr.Tabs(), Pace()).opened(visit("b"))
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
    events = handlers.load(HOME, "hf://ada/same", *page._form())
    for panel, *_ in events:
        if panel["status"].startswith("Downloading: ") and 0 < panel["progress"] < 1:
            stop_job(handlers.additions, HOME)
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
    with pytest.raises(gr.Error, match=r"not an address of a zoo|does not exist") as error:
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
