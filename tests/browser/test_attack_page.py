"""The attack page as a visitor meets it."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, Request, expect

from tests.browser.conftest import ENDLESS, TINY, unfold

AXE = Path(__file__).with_name("axe.min.js")
PHONE = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True}
LANES = ("positive", "zero", "negative")

OpenPage = Callable[..., Page]


def settings(page: Page) -> None:
    """Unfolds the settings, if they are folded."""
    fold = page.get_by_role("button", name="Settings")
    if fold.get_attribute("aria-expanded") == "false":
        unfold(page, "Settings", "Find by number")


def choose(page: Page, identity: int) -> None:
    settings(page)
    page.get_by_role("radio", name=f"Identity {identity}", exact=True).check()
    heading = page.get_by_role("heading", name=f"Identity {identity}", exact=True)
    expect(heading).to_be_visible()


def start(page: Page) -> None:
    page.get_by_role("button", name="Start").click()


def phase(page: Page) -> Any:
    return page.locator(".board")


def alternative_text(identity: int, lane: str) -> str:
    return f"Best reconstruction of identity {identity} from lane {lane}"


def portraits(page: Page, identity: int) -> list[str]:
    """The large reconstructions as data URIs, lane by lane."""
    images = [page.get_by_alt_text(alternative_text(identity, lane)) for lane in LANES]
    return [image.get_attribute("src") or "" for image in images]


# What the cards say of every lane's confidence, and what stands at the ends of its curves.
CONFIDENCES = """
const board = document.querySelector(".attack-page .board");
const cards = () => [...board.querySelectorAll(".lane")];
const said = (lane) => lane.querySelector(".confidence").textContent.split(" ").at(-1);
const onCard = (lane) => `${lane.dataset.lane} ${said(lane)}`;
const chart = () => board.querySelector("[data-curve=confidence_curve] svg");
const atEnds = () => chart().getAttribute("aria-label").replace("Target confidence: ", "");
const confidences = () => [cards().map(onCard).join(", "), atEnds()];
"""


def test_attack_from_click_to_result(open_page: OpenPage) -> None:
    page = open_page()
    choose(page, 42)
    page.evaluate(
        f"""() => {{{CONFIDENCES}
          window.seen = [];
          window.pictures = new Set();
          const note = () => {{
            if (board.dataset.phase !== "running") return;
            window.seen.push(confidences());
            for (const {{ alt, src }} of board.querySelectorAll("img"))
              if (src.startsWith("data:")) window.pictures.add(alt + src);
          }};
          new MutationObserver(note).observe(board, {{ childList: true, subtree: true }});
        }}"""
    )
    start(page)
    expect(phase(page)).to_have_attribute("data-phase", "done", timeout=90_000)
    drawn = [(card, curve) for card, curve in page.evaluate("window.seen") if "%" in curve]
    assert len(set(drawn)) > 1
    assert [card for card, _ in drawn] == [curve for _, curve in drawn]
    shown = page.evaluate("[...window.pictures]")
    for lane in LANES:
        assert sum(picture.startswith(alternative_text(42, lane)) for picture in shown) > 1
        column = page.get_by_role("article", name=lane)
        expect(column).to_contain_text(re.compile("✓ recognised|✗ taken for identity"))
        expect(column).to_contain_text(re.compile(r"Target confidence \d+%"))
    expect(phase(page).get_by_role("status")).to_contain_text("Done in")
    expect(page.get_by_role("img", name="Target confidence: ")).to_be_visible()
    expect(page.get_by_role("button", name="Start")).to_be_enabled()


def tells_what_it_has_drawn(request: Request) -> bool:
    """Without it a slow page would be sent more than it can draw, and Stop would come late."""
    return request.url.endswith("/component_server/") and '"seen"' in (request.post_data or "")


def test_stop_keeps_the_partial_result(open_page: OpenPage) -> None:
    page = open_page(query=ENDLESS, reduced_motion="no-preference")  # with all that moves
    choose(page, 3)
    with page.expect_request(tells_what_it_has_drawn, timeout=60_000):
        start(page)
    expect(page.locator(".status")).to_contain_text("Optimisation: step", timeout=90_000)
    page.get_by_role("button", name="Stop").click()
    expect(phase(page)).to_have_attribute("data-phase", "stopped")
    expect(page.locator(".status")).to_contain_text("Stopped at step")
    assert all(uri.startswith("data:image/jpeg") for uri in portraits(page, 3))
    expect(page.get_by_role("button", name="Start")).to_be_enabled()
    expect(page.get_by_role("button", name="Stop")).to_be_hidden()


def test_other_identity_clears_stale_pictures_and_ends_the_attack(open_page: OpenPage) -> None:
    page = open_page(query=ENDLESS)
    choose(page, 3)
    start(page)
    page.get_by_alt_text("Best reconstruction of identity 3 from lane zero").wait_for()
    choose(page, 4)
    expect(page.get_by_alt_text("reconstruction")).to_have_count(0)
    start(page)
    expect(phase(page)).to_have_attribute("data-phase", "running")
    for lane in LANES:
        expect(page.get_by_alt_text(alternative_text(4, lane))).to_be_visible()


def test_second_visitor_is_told_to_wait(open_page: OpenPage) -> None:
    first, second = open_page(query=ENDLESS), open_page(query=ENDLESS)
    start(first)
    expect(phase(first)).to_have_attribute("data-phase", "running")
    start(second)
    expect(second.locator(".status")).to_have_text(
        "Another attack is running; your attack starts next."
    )
    # A closed tab frees the device.
    first.context.close()
    expect(phase(second)).to_have_attribute("data-phase", "running", timeout=90_000)


@pytest.fixture(scope="module")
def form(open_for_all: OpenPage) -> Page:
    """One page for those who only fill in its form."""
    page = open_for_all()
    settings(page)
    return page


def test_search_by_number(form: Page) -> None:
    page = form
    search = page.get_by_label("Find by number")
    search.fill("9")
    expect(page.get_by_role("radio")).to_have_count(11)  # 9 and 90 to 99
    search.fill("345")
    expect(page.get_by_text("No identity 345; numbers run from 0 to 99.")).to_be_visible()
    search.fill("58")
    search.press("Enter")
    expect(page.get_by_role("heading", name="Identity 58")).to_be_visible()
    expect(page.get_by_role("radio", name="Identity 58", exact=True)).to_be_focused()
    # The keyboard goes on from there.
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("heading", name="Identity 59")).to_be_visible()


def test_preset_fills_the_advanced_knobs_and_no_lane_is_one_clear_error(form: Page) -> None:
    page = form
    page.get_by_role("button", name="Advanced").click()
    expect(page.get_by_label("Candidates")).to_have_value("8")
    page.get_by_label("Preset").click()
    page.get_by_role("option", name="paper").click()
    expect(page.get_by_label("Candidates")).to_have_value("200")
    for lane in LANES:
        page.get_by_role("checkbox", name=lane).uncheck()
    start(page)
    expect(page.get_by_text("No lane is chosen; tick at least one.")).to_have_count(1)


def test_axe_finds_nothing_serious_and_a_phone_need_not_scroll_sideways(
    open_page: OpenPage,
) -> None:
    page = open_page(query=TINY)
    settings(page)
    page.get_by_role("button", name="Advanced").click()
    assert violations(page) == []
    start(page)
    expect(phase(page)).to_have_attribute("data-phase", "done", timeout=90_000)
    assert violations(page) == []
    assert width_on_a_phone(page) == 390


def width_on_a_phone(page: Page) -> int:
    """How wide what the page shows is on a screen of 390 pixels."""
    page.set_viewport_size(PHONE["viewport"])
    return page.evaluate("document.documentElement.scrollWidth")


# What axe finds serious. It describes all that passes as well, unless told not to.
SERIOUS = """async (runOnly) => {
  const { violations } = await axe.run(document, { runOnly, resultTypes: ["violations"] });
  const serious = violations.filter(({ impact }) => ["serious", "critical"].includes(impact));
  return serious.flatMap(({ id, nodes }) =>
    nodes.map(({ html, failureSummary }) => `${id}: ${html.slice(0, 200)} ${failureSummary}`));
}"""


def violations(page: Page) -> list[str]:
    """What axe finds serious, in the light and in the dark."""
    page.evaluate(AXE.read_text(encoding="utf-8"))
    page.add_style_tag(content="* { transition: none !important; }")  # colours change at once
    found = page.evaluate(SERIOUS, ["wcag2a", "wcag2aa", "wcag21aa"])
    page.evaluate("document.body.classList.toggle('dark')")
    found += page.evaluate(SERIOUS, ["color-contrast"])  # nothing else is different
    page.evaluate("document.body.classList.toggle('dark')")
    return list(found)
