"""A reload or a cut connection in the middle of an attack is told."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import ENDLESS
from tests.browser.wire import Wire

OpenPage = Callable[..., Page]
LONG = ENDLESS + "&identity=5&lanes=zero"


@pytest.fixture
def wire(app_url: str) -> Iterator[Wire]:
    wire = Wire(app_url)
    yield wire
    wire.close()


def start_attack(page: Page) -> None:
    page.get_by_role("button", name="Start", exact=True).click()
    expect(page.locator(".board .status").first).to_contain_text("Optimisation: step")


def test_a_reloaded_page_says_where_its_attack_is(open_page: OpenPage) -> None:
    page = open_page(query=LONG)
    page.get_by_alt_text("Real training photo 1 of identity 5").wait_for()
    start_attack(page)
    page.reload()
    gone = page.locator(".gone").first
    expect(gone).to_contain_text("The attack on identity 5 ended at step")
    expect(gone).to_contain_text("kept on the Runs page")
    expect(page.get_by_role("button", name="Start", exact=True)).to_be_enabled()
    page.get_by_alt_text("Real training photo 1 of identity 5").wait_for()
    page.get_by_role("tab", name="Runs").click()
    expect(page.get_by_text("stopped at step").first).to_be_visible()
    page.reload()  # once is enough
    page.get_by_role("button", name="Menu").wait_for()
    page.get_by_role("tab", name="Attack").click()
    expect(gone).to_be_hidden()


def test_a_cut_connection_is_told_and_heals(browser: Browser, wire: Wire) -> None:
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    page = context.new_page()
    page.goto(f"{wire.url}?{LONG}")
    page.get_by_alt_text("Real training photo 1 of identity 5").wait_for()
    start_attack(page)
    wire.cut()
    expect(page.get_by_text("Connection to the server was lost")).to_be_visible()
    expect(page.locator(".board .status").first).to_contain_text("the attack has ended there")
    # Nothing lies over the buttons.
    for name in ("Start", "Stop"):
        button = page.get_by_role("button", name=name, exact=True)
        button.scroll_into_view_if_needed()
        box = button.bounding_box()
        assert box is not None
        middle = [box["x"] + box["width"] / 2, box["y"] + box["height"] / 2]
        assert (
            page.evaluate("([x, y]) => document.elementFromPoint(x, y).textContent.trim()", middle)
            == name
        )
    wire.mend()
    expect(page.locator(".gone").first).to_contain_text("The attack on identity 5 ended at step")
    start_attack(page)
    page.get_by_role("button", name="Stop", exact=True).click()
    expect(page.locator(".board").first).to_have_attribute("data-phase", "stopped")
    context.close()
