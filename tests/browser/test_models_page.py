"""The models page as a visitor meets it: a zoo from the Hub, files of one's own, six lanes."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from playwright.sync_api import Locator, Page, expect

from mia_demo.zoo.folder import FolderZoo
from mia_demo.zoo.opening import open_zoo
from tests.browser.conftest import TINY, shown_controls
from tests.browser.test_attack_page import PHONE, settings, violations
from tests.hub_stand_in import HubStandIn
from tests.tiny_zoo import make_tiny_zoo

OpenPage = Callable[..., Page]
TIMEOUT = 120_000


@pytest.fixture(scope="module")
def hub(page_hub: HubStandIn, tmp_path_factory: pytest.TempPathFactory) -> Iterator[HubStandIn]:
    """Two zoos: the demo's people with half-precision targets, and other people."""
    folder = tmp_path_factory.mktemp("zoos")
    demo, same = open_zoo(), FolderZoo.create(folder / "same")
    same.adopt_identities(demo)
    for name in demo.default_lanes():
        same.add(demo.entry(name), demo.tensors(name), torch.float32)
    page_hub.host(same.root, "ada/same")
    page_hub.host(make_tiny_zoo(folder / "tiny").root, "ada/tiny")
    yield page_hub
    page_hub.repos.clear()


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    """A classifier and its manifest entry."""
    demo, zoo = open_zoo(), FolderZoo.create(tmp_path / "mine")
    tensors = demo.tensors("negative")
    tensors["fc.bias"] *= 1.01
    zoo.add(replace(demo.entry("negative"), name="mine"), tensors, torch.float32)
    entry = tmp_path / "entry.json"
    entry.write_text(json.dumps(zoo.entry("mine").to_json()))
    return [zoo.root / "mine.safetensors", entry]


def open_quick(open_page: OpenPage) -> Page:
    """The app with settings of a quick attack."""
    return open_page(query=f"{TINY}&identity=1")


def open_models(page: Page) -> Locator:
    page.get_by_role("tab", name="Models").click()
    panel = page.get_by_role("region", name="Loaded models")
    expect(panel.get_by_role("heading", name="zero").first).to_be_visible()
    return panel


def load(page: Page, address: str) -> None:
    page.get_by_label("Address of the zoo").fill(address)
    page.get_by_role("button", name="Load", exact=True).click()


def upload(page: Page, files: list[Path]) -> None:
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Choose weights and entry").click()
    chooser.value.set_files(files)


def remove(panel: Locator, name: str) -> None:
    panel.get_by_role("button", name=f"Remove {name}", exact=True).click()
    panel.get_by_role("button", name=f"Yes, remove {name}").click()
    expect(panel.get_by_role("button", name=f"Remove {name}", exact=True)).to_have_count(0)


def test_six_lanes_of_which_some_are_from_the_hub_and_some_uploaded(
    open_page: OpenPage, hub: HubStandIn, files: list[Path]
) -> None:
    page = open_quick(open_page)
    panel = open_models(page)
    status = panel.get_by_role("status")
    expect(panel.get_by_label("Device and memory")).to_contain_text("Memory of the demo")
    assert shown_controls(page) <= 16
    asked = len(hub.requests)
    load(page, "hf://ada/none")
    expect(status).to_contain_text("hf://ada/none@main does not exist, or is private")
    assert [request.method for request in hub.requests[asked:]] == ["HEAD"]
    load(page, "hf://ada/same")
    expect(status).to_contain_text("Added hub-1, hub-2, hub-3", timeout=TIMEOUT)
    commit = hub.repos["ada/same"].branches["main"]
    card = panel.get_by_role("listitem").filter(has=page.get_by_role("heading", name="hub-2"))
    expect(card).to_contain_text(f"hf://ada/same@{commit}")
    expect(card).not_to_contain_text("sha256")
    panel.get_by_text("Files, hashes and manifest entries").click()
    file = panel.get_by_role("row").filter(has_text="hub-2")
    expect(file.locator("code")).to_have_text(re.compile("^[0-9a-f]{64}$"))
    upload(page, files)
    expect(status).to_contain_text("Not ticked there, for want of room: upload-1", timeout=TIMEOUT)

    page.get_by_role("tab", name="Attack").click()
    attack = page.locator(".attack-page")
    settings(page)
    attack.get_by_role("checkbox", name="upload-1 (mine, α −0.05)").check()
    attack.get_by_role("button", name="Start").click()
    toast = page.get_by_test_id("toast-body")
    expect(toast).to_contain_text("7 lanes are ticked, but the board has room for 6; untick 1.")
    attack.get_by_role("checkbox", name="hub-3").uncheck()
    attack.get_by_role("button", name="Start").click()
    board = page.locator(".attack-page .board")
    expect(board).to_have_attribute("data-phase", "done", timeout=TIMEOUT)
    for lane in ("positive", "zero", "negative", "hub-1", "hub-2", "upload-1"):
        expect(page.get_by_role("article", name=lane)).to_contain_text(
            re.compile("Target confidence [0-9]+%")
        )
    styles = {lane.get_attribute("data-style") for lane in board.locator(".lane").all()}
    assert len(styles) == 6
    rows = {round(lane.bounding_box()["y"]) for lane in board.locator(".column").all()}  # type: ignore[index]
    assert len(rows) == 2

    page.get_by_role("tab", name="Models").click()
    for name in ("hub-1", "hub-2", "hub-3", "upload-1"):
        remove(panel, name)
    page.get_by_role("tab", name="Attack").click()
    expect(attack.get_by_role("checkbox", name=re.compile("^(hub|upload)"))).to_have_count(0)


def test_people_of_the_hub_are_attacked_and_removed(open_page: OpenPage, hub: HubStandIn) -> None:
    page = open_quick(open_page)
    panel = open_models(page)
    load(page, "hf://ada/tiny")
    expect(panel.get_by_role("status")).to_contain_text("its 3 people are on the Attack page now")
    page.get_by_role("tab", name="Attack").click()
    settings(page)
    expect(page.get_by_role("radio", name="3 people of hf://ada/tiny")).to_be_checked()
    expect(page.get_by_role("radio", name="Identity 3")).to_have_count(0)
    page.locator(".attack-page").get_by_role("button", name="Start").click()
    board = page.locator(".attack-page .board")
    expect(board).to_have_attribute("data-phase", "done", timeout=TIMEOUT)
    page.get_by_role("tab", name="Models").click()
    remove(panel, "3 people of hf://ada/tiny")
    page.get_by_role("tab", name="Attack").click()
    expect(page.locator(".attack-page .people-choice")).to_be_hidden()
    expect(page.get_by_role("radio", name="Identity 99", exact=True)).to_have_count(1)


def test_accuracies_are_measured_again(open_page: OpenPage) -> None:
    page = open_page()
    panel = open_models(page)
    page.get_by_role("button", name="Measure accuracies again").click()
    # The first of many is enough; tests of the server hear all of a small zoo.
    expect(panel.get_by_role("status")).to_have_text(
        re.compile(r"^Measuring positive, 1 of \d+ …$")
    )
    first = panel.get_by_role("listitem").filter(has=page.get_by_role("heading", name="positive"))
    stated = open_zoo().entry("positive").test_accuracy
    expect(first).to_contain_text(
        f"measured again: {stated:.1%} of 1200 test photos, as stated", timeout=TIMEOUT
    )


def test_the_page_is_accessible_on_a_phone(open_page: OpenPage, hub: HubStandIn) -> None:
    page = open_page("dark", **PHONE)
    panel = open_models(page)
    load(page, "hf://ada/tiny")
    expect(panel.get_by_role("status")).to_contain_text("its 3 people are on the Attack page now")
    expect(panel.get_by_role("status")).to_be_in_viewport()
    panel.get_by_text("Files, hashes and manifest entries").click()
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    assert violations(page) == []
    remove(panel, "3 people of hf://ada/tiny")
