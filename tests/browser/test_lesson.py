"""The lesson as a class meets it."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.browser.test_attack_page import violations

OpenPage = Callable[..., Page]


def test_two_steps_by_keyboard(open_page: OpenPage) -> None:
    page = open_page()
    page.get_by_role("button", name="Menu").click()
    page.get_by_role("button", name="Lesson").press("Enter")
    lesson = page.get_by_role("region", name="Who is in the set?")
    expect(lesson.get_by_text("Step 1 of")).to_be_visible()
    # Predict, then reveal; not the other way round.
    page.get_by_role("button", name="Reveal").press("Enter")
    expect(lesson.get_by_text("Predict first.")).to_be_visible()
    page.get_by_role("radio", name="All of them").focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    answer = page.locator(".lesson .answer")
    expect(answer).to_contain_text("You predicted otherwise. The answer: None of them.")
    expect(answer).to_contain_text("100 identities are rendered")
    page.get_by_role("button", name="Next").press("Enter")
    expect(page.get_by_role("heading", name="A smoothed label, as bars")).to_be_focused()
    # The page comes along.
    expect(page.get_by_role("tab", name="Train")).to_have_attribute("aria-selected", "true")
    page.wait_for_function("location.search.includes('tab=train')")
    assert "lesson=2" in page.url
    page.get_by_role("radio", name="More than 1").press("Space")
    page.keyboard.press("Enter")
    expect(answer).to_contain_text("As you predicted: More than 1.")
    expect(answer).to_contain_text("1.0495")
    expect(page.get_by_text("1 of 2 predicted rightly; kept in this browser only.")).to_be_visible()
    page.get_by_role("button", name="Leave").press("Enter")
    assert "lesson" not in page.url
    expect(page.get_by_role("button", name="Menu")).to_be_focused()


def test_a_link_to_a_step_sets_the_page_up_and_gives_a_worksheet(
    open_page: OpenPage, tmp_path: Path
) -> None:
    page = open_page(query="lesson=7")
    expect(page.get_by_role("heading", name="Which stage is hit?")).to_be_visible()
    expect(page.get_by_role("combobox", name="Results")).to_have_value(re.compile("Stage by stage"))
    with page.context.expect_page() as opened:
        page.get_by_role("button", name="Worksheet").click()
    sheet = opened.value
    expect(sheet.get_by_role("heading", name="Answers")).to_be_attached()
    sheet.pdf(path=tmp_path / "worksheet.pdf")
    pages = (tmp_path / "worksheet.pdf").read_bytes().count(b"/Type /Page\n")
    assert pages == 2


def test_axe_finds_nothing_serious(open_page: OpenPage) -> None:
    page = open_page(query="tab=train&alpha=-0.05&lesson=2")
    page.get_by_role("radio", name="Exactly 1").check()
    page.get_by_role("button", name="Reveal").click()
    expect(page.locator(".lesson .answer")).to_contain_text("1.0495")
    assert violations(page) == []


def test_phone_needs_no_horizontal_scroll(open_page: OpenPage) -> None:
    phone = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True}
    page = open_page(query="tab=attack&lesson=3", **phone)
    expect(page.get_by_role("heading", name="The first attack")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    page.get_by_role("button", name="Fold").click()
    expect(page.get_by_role("button", name="Reveal")).to_be_hidden()


def test_the_bar_leaves_the_button_free_that_a_step_asks_to_press(open_page: OpenPage) -> None:
    page = open_page(query="tab=attack&lesson=3", viewport={"width": 1280, "height": 800})
    expect(page.get_by_text("Predict first. Then press Start.")).to_be_visible()
    start = page.get_by_role("button", name="Start", exact=True).bounding_box()
    bar = page.locator(".lesson").bounding_box()
    assert start is not None
    assert bar is not None
    assert start["y"] + start["height"] <= bar["y"]
    assert bar["height"] <= 130
    for face in page.locator(".attack-page .lane .portrait:visible").all():
        box = face.bounding_box()
        assert box is not None
        assert box["y"] + box["height"] <= bar["y"]
    page.get_by_role("button", name="Start", exact=True).click(trial=True)
