"""Uploaded classifiers, visitors of a server for others, and what there is room for."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import gradio as gr
import pytest

from mia_demo.ui.attack.handlers import AttackHandlers
from mia_demo.ui.engine import networks
from mia_demo.ui.engine.engine import EMBEDDED, Engine
from mia_demo.ui.models.handlers import ModelsHandlers
from mia_demo.visitors import added_store
from mia_demo.zoo.manifest import MANIFEST
from tests.hub_stand_in import OWNERS_TOKEN, HubStandIn
from tests.server.models_page.visitor import HOME, LANES, STRANGER, Page, attack, works
from tests.server.visits import ABROAD, visit

# -- files ----------------------------------------------------------------------------------------


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
        ("other people", "zero tells 100 people apart, not 3"),
        ("other network", "does not fit architecture resnet18"),
        ("no entry", "is not valid JSON"),
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
        list(AttackHandlers(engine).api_attack(1, lanes=["hub-1"]))
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
    monkeypatch.setattr(added_store, "MAX_ZOO_BYTES", 1000)
    with pytest.raises(gr.Error, match="larger than 0 MB, too large for this demo"):
        Page(handlers, STRANGER).load("hf://ada/others")
    assert set(hub.downloaded()) == {MANIFEST}


def test_one_visitor_after_the_other(
    engine: Engine, handlers: ModelsHandlers, hub: HubStandIn, same: str
) -> None:
    hub.faults["prior.safetensors"] = "stall"
    first = handlers.load(STRANGER, "hf://ada/same", *Page(handlers, STRANGER)._form())
    for panel, *_ in first:
        if panel["status"].startswith("Downloading"):
            break
    second = Page(handlers, visit("second", **ABROAD))
    events = handlers.load(second.request, "hf://ada/same", *second._form())
    next(events)
    panel, *_ = next(events)
    assert panel["status"] == "Another visitor's addition is running; yours comes next."
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
    monkeypatch.setattr(networks, "MAX_GUESTS", 1)
    Page(handlers, HOME).load("hf://ada/same")
    for lane in ("hub-1", "zero", "hub-2"):
        assert attack(engine, HOME, EMBEDDED, lane)["phase"] == "done"
    assert sorted(engine.networks.attacker()._lanes) == ["hub-2", "zero"]
