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
    assert violations(page) == []
    expect(
        page.get_by_text("1 of 2 predicted correctly; kept in this browser only.")
    ).to_be_visible()
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


# What a step may tell a class to press.
TOLD = re.compile(r"(?:press|Open) (Start|Walk|Settings)")
FREE = """() => {
  const rect = (part) => part.getBoundingClientRect();
  const page = rect(document.querySelector(".gradio-container"));
  const bar = document.querySelector(".lesson");
  const kinds = "[role=tabpanel] :is(img, svg, .tile, .square, .portrait)";
  const faces = [...document.querySelectorAll(kinds)];
  const isCovered = (face) => {
    const { top, bottom, left, width } = rect(face);
    const [from, to] = [Math.max(top, page.top), Math.min(bottom, page.bottom)];
    const front = document.elementFromPoint(left + width / 2, (from + to) / 2);
    return to - from > 2 && bar.contains(front);
  };
  return page.bottom <= rect(bar).top + 1 && !faces.some(isCovered);
}"""


SIZES = ((390, 844), (1280, 800))


def test_no_step_covers_a_face_or_the_button_that_it_asks_to_press(open_page: OpenPage) -> None:
    page = open_page(query="lesson=1")
    lesson = page.locator(".lesson")
    last = int(lesson.locator(".place").inner_text().split()[-1])
    told = set()
    for step in range(1, last + 1):
        expect(lesson).to_contain_text(f"Step {step} of {last}")
        page.wait_for_function("() => !document.documentElement.matches('.link-unread')")
        name = TOLD.search(lesson.locator(".tasks").inner_text())
        if name:
            told.add(name[1])
        for width, height in SIZES if name else ():
            page.set_viewport_size({"width": width, "height": height})
            nothing_is_covered(page, name[1])
        page.get_by_role("button", name="Finish" if step == last else "Next", exact=True).click()
    expect(lesson).to_be_hidden()
    assert told == {"Start", "Walk", "Settings"}
    for width, height in SIZES:
        page.set_viewport_size({"width": width, "height": height})
        assert page.evaluate("document.documentElement.scrollWidth") == width


def nothing_is_covered(page: Page, name: str) -> None:
    """By the lesson: neither this button nor, if it starts an attack, the faces."""
    lesson = page.locator(".lesson")
    # Train has a Start of its own, and may still be in front after the step before.
    panel = page.locator(".attack-page" if name == "Start" else ".pages")
    button = panel.get_by_role("button", name=name, exact=True)
    button.wait_for()
    page.wait_for_function(FREE)  # once the page has followed the strip's height
    button.click(trial=True)
    if name == "Start":
        faces = [button, *panel.locator(".board .portrait").all()]
        # What is to be predicted does not stand above.
        expect(panel.locator(".claim")).to_be_hidden()
        expect(panel.locator(".strip")).to_be_hidden()
        ends = max(box["y"] + box["height"] for face in faces if (box := face.bounding_box()))
        assert ends <= lesson.evaluate("bar => bar.getBoundingClientRect().top")
