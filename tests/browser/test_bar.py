"""The bar above all pages: title, tabs and a menu."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.test_attack_page import PHONE, violations

OpenPage = Callable[..., Page]
MAX_BAR = 56  # pixels


@pytest.fixture(scope="module")
def page(open_for_all: OpenPage) -> Page:
    return open_for_all()


def lower_edge(part: Locator) -> float:
    box = part.bounding_box()
    assert box is not None
    return box["y"] + box["height"]


def test_title_tabs_and_menu_share_one_bar(page: Page) -> None:
    bar = [page.get_by_role("tab", name="Attack"), page.get_by_role("button", name="Menu")]
    wide = [page.get_by_role("tab", name="Understand"), page.locator(".masthead h1")]
    for size, parts in ((PHONE["viewport"], bar), ({"width": 1280, "height": 800}, bar + wide)):
        page.set_viewport_size(size)
        for part in parts:
            expect(part).to_be_in_viewport(ratio=1)
            assert 0 < lower_edge(part) <= MAX_BAR


def test_the_menu_opens_and_closes(page: Page) -> None:
    menu, copy = (page.get_by_role("button", name=name) for name in ("Menu", "Copy link"))
    expect(copy).to_be_hidden()
    menu.click()
    expect(page.get_by_text("One person alone proves nothing.")).to_be_visible()
    expect(page.get_by_text("Runs on CPU")).to_be_visible()
    assert violations(page) == []
    copy.press("Escape")
    expect(copy).to_be_hidden()
    expect(menu).to_be_focused()
    menu.press("Enter")
    page.locator(".board").click(position={"x": 5, "y": 400})
    expect(copy).to_be_hidden()


def test_arrow_keys_move_between_tabs(page: Page) -> None:
    page.get_by_role("tab", name="Attack").focus()
    for key, name in (("ArrowLeft", "Understand"), ("ArrowRight", "Attack"), ("End", "Understand")):
        page.keyboard.press(key)
        tab = page.get_by_role("tab", name=name)
        expect(tab).to_be_focused()
        expect(tab).to_have_attribute("aria-selected", "true")
