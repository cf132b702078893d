"""The understand page as a visitor meets it."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import TINY, shown_controls, unfold
from tests.browser.test_attack_page import PHONE, choose, violations

OpenPage = Callable[..., Page]
TRAIN_IMAGES = 48  # of each identity of the zoo
TIMEOUT = 120_000  # a training or an attack on a busy machine


def open_understand(open_page: OpenPage, theme: str = "light", **options: object) -> Page:
    page = open_page(theme, **options)
    page.get_by_role("tab", name="Understand").click()
    toy(page).scroll_into_view_if_needed()  # on a phone it lies below the words
    expect(toy(page).locator(".trained")).to_have_text("", timeout=TIMEOUT)
    toy(page).locator("summary").click()
    return page


@pytest.fixture(scope="module")
def opened(open_for_all: OpenPage) -> Page:
    """One page for what happens in different sections, and for walks that end at the start."""
    return open_understand(open_for_all)


def toy(page: Page) -> Locator:
    return page.get_by_role("region", name="The example in two dimensions")


def button(page: Page, name: str) -> Locator:
    return toy(page).get_by_role("button", name=name, exact=True)


def start(page: Page) -> Locator:
    return toy(page).get_by_role("slider", name="Start of the walk")


def walks(page: Page) -> list[list[str]]:
    rows = toy(page).locator("tbody tr")
    return [row.locator("td").all_inner_texts() for row in rows.all()]


def ends(page: Page) -> Locator:
    """What is written below the maps."""
    return toy(page).locator(".words")


def test_the_papers_three_walks_side_by_side(open_page: OpenPage) -> None:
    page = open_page()
    page.get_by_role("tab", name="Understand").click()
    expect(ends(page)).to_have_count(3)
    assert shown_controls(page) <= 16
    maps = [box for box in (part.bounding_box() for part in toy(page).locator(".map").all()) if box]
    assert len({round(box["y"]) for box in maps}) == 1
    assert len(maps) == 3
    toy(page).locator("summary").click()
    toy(page).get_by_role("radio", name="α = +0.05").check()
    toy(page).get_by_label("Speed").select_option("fast")
    button(page, "Walk").click()  # starts when the networks are trained
    expect(ends(page)).to_have_text(
        [
            "Stopped after 3113 steps, 0.65 from a ▲",
            "Stopped after 763 steps, 3.23 from a ▲",
            "Stopped after 53 steps, 6.75 from a ▲",
        ],
        timeout=TIMEOUT,
    )
    expect(toy(page).get_by_role("status")).to_contain_text("✓ Your guess was right.")
    assert walks(page) == [
        ["−0.05", "−3.0, −10.0", "53", "6.75", "53 steps, 6.75"],
        ["0", "−3.0, −10.0", "763", "3.23", "763 steps, 3.23"],
        ["+0.05", "−3.0, −10.0", "3113", "0.65", "3113 steps, 0.65"],
    ]


def test_at_most_sixty_words_are_open_in_a_section(opened: Page) -> None:
    page = opened
    texts = page.locator(".understand-page .prose:visible").all_inner_texts()
    assert len(texts) > 4
    assert max(len(text.split()) for text in texts) <= 60


def test_another_factor_gets_a_map_of_its_own(open_page: OpenPage) -> None:
    page = open_page(query="tab=understand&section=toy&toy=0.2")
    expect(toy(page).locator("figcaption")).to_have_text(
        ["α = +0.05", "α = 0", "α = −0.05", "α = +0.2"]
    )


def test_pause_step_and_slow_motion(open_page: OpenPage) -> None:
    page = open_understand(open_page, reduced_motion="no-preference")
    middle = ends(page).nth(1)
    button(page, "Step").click()
    expect(middle).to_contain_text("step 1:")
    button(page, "Step").press("Enter")
    expect(middle).to_contain_text("step 2:")
    toy(page).get_by_label("Speed").select_option("slow motion")
    button(page, "Walk").click()
    expect(middle).to_contain_text(re.compile(r"^step \d\d+:"), timeout=TIMEOUT)
    button(page, "Pause").click()
    paused = int(re.findall(r"\d+", middle.inner_text())[0])
    assert paused < 763
    button(page, "Step").click()
    expect(middle).to_contain_text(f"step {paused + 1}:")
    button(page, "Back to the start").click()
    expect(middle).to_contain_text("step 0:")


def test_the_start_moves_by_keyboard_and_by_pointer(opened: Page) -> None:
    page = opened
    expect(start(page)).to_have_attribute("aria-valuetext", "x −3.0, y −10.0")
    start(page).press("ArrowRight")
    start(page).press("Shift+ArrowUp")
    expect(start(page)).to_have_attribute("aria-valuetext", "x −2.5, y −9.9")
    button(page, "To the end").click()
    expect(ends(page).first).to_contain_text("Stopped after", timeout=TIMEOUT)
    found = [(alpha, where, paper) for alpha, where, _, _, paper in walks(page)]
    assert found == [(alpha, "−2.5, −9.9", "–") for alpha in ("−0.05", "0", "+0.05")]
    # Drag it to the middle of a map.
    box = toy(page).locator(".map").nth(1).bounding_box()
    handle = toy(page).locator(".start .ring").nth(1).bounding_box()
    assert box is not None
    assert handle is not None
    page.mouse.move(handle["x"] + handle["width"] / 2, handle["y"] + handle["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2, steps=4)
    page.mouse.up()
    expect(start(page)).to_have_attribute("aria-valuetext", re.compile(r"^x −?0\.0, y −?0\.0$"))
    button(page, "The paper’s start").click()
    expect(start(page)).to_have_attribute("aria-valuetext", "x −3.0, y −10.0")


def test_less_motion_for_those_who_want_less(opened: Page) -> None:
    page = opened
    button(page, "Walk").click()
    expect(ends(page).nth(1)).to_contain_text("763 steps")


def test_embedding_view_with_numbers(opened: Page) -> None:
    page = opened
    view = page.get_by_role("region", name="Features of each network")
    view.scroll_into_view_if_needed()
    expect(view.locator(".finding")).to_contain_text("Tightest here", timeout=TIMEOUT)
    maps = view.get_by_role("img", name=re.compile("intra-class distance"))
    expect(maps).to_have_count(3)
    expect(view.get_by_role("listitem")).to_have_count(5)
    for row in view.locator("tbody tr").all():
        intra, inter, ratio = row.locator("td").all_inner_texts()[:3]
        assert float(ratio) == pytest.approx(float(intra) / float(inter), abs=0.01)
    # Other people; a slip is one clear message.
    numbers = unfold(page, "Show other people", "Identities to show")
    expect(numbers).to_have_value("0,1,2,3,4")
    numbers.fill("5,17")
    numbers.press("Enter")
    expect(view.get_by_role("listitem")).to_have_text(
        ["identity 5", "identity 17"], timeout=TIMEOUT
    )
    assert view.get_by_role("listitem").all_inner_texts() == ["identity 5", "identity 17"]
    marks = view.locator(".map").first.locator(".mark")
    expect(marks).to_have_count(2 * TRAIN_IMAGES)
    numbers.fill("5")
    page.get_by_role("button", name="Show", exact=True).click()
    expect(page.get_by_text("Name 2 to 6 identities, not 1.")).to_have_count(1)


def test_the_smoothed_label_follows_the_factor(opened: Page) -> None:
    page = opened
    formula = page.get_by_role("region", name="The smoothed label and its gradient")
    formula.scroll_into_view_if_needed()
    expect(formula.locator(".label")).to_contain_text("y_LS[0] =", timeout=TIMEOUT)
    page.get_by_label("Identity", exact=True).fill("17")
    expect(formula.locator(".label")).to_contain_text(
        "y_LS[17] = (1 − α) · 1 + α / C = 1.05 + (−0.05) / 100 = 1.0495", timeout=TIMEOUT
    )
    slider = page.get_by_role("spinbutton", name=re.compile("Smoothing factor α"))
    slider.fill("0.1")
    slider.press("Enter")
    expect(formula.locator(".label")).to_contain_text("= 0.90 + 0.10 / 100 = 0.9010")
    for lane in formula.get_by_role("article").all():
        texts = lane.locator("tr.true .number").all_inner_texts()
        smoothed, softmax, gradient = (float(text.replace("−", "-")) for text in texts)
        assert smoothed == 0.901
        assert gradient == pytest.approx(softmax - smoothed, abs=2e-4)


def test_gradients_and_reconstructions_of_ones_own_attack(open_page: OpenPage) -> None:
    page = open_page(query=TINY)
    page.get_by_role("tab", name="Understand").click()
    view = page.get_by_role("region", name="Features of each network")
    view.scroll_into_view_if_needed()
    expect(view.locator(".landed").first).to_be_visible(timeout=TIMEOUT)
    figure = page.get_by_role("region", name="Gradient stability")
    figure.evaluate("part => part.scrollIntoView()")  # the embedding view is out of sight
    # Before an attack the page leads to the Attack page.
    page.get_by_role("button", name="Go to the Attack page").click()
    choose(page, 7)
    page.get_by_role("button", name="Start", exact=True).first.click()
    expect(page.locator(".board")).to_have_attribute("data-phase", "done", timeout=TIMEOUT)
    page.get_by_role("tab", name="Understand").click()
    figure.scroll_into_view_if_needed()
    expect(figure.get_by_role("status")).to_have_text(
        re.compile("^Your last attack: identity 7, preset custom, 3 steps")
    )
    expect(figure.locator("polyline")).to_have_count(3)
    expect(figure.locator("tbody tr")).to_have_count(3)
    expect(figure.locator("tbody tr").nth(2)).to_contain_text("+0.78, −0.19, −0.45")  # the paper's
    # The embedding view takes in the attacked identity.
    view.scroll_into_view_if_needed()
    expect(view.get_by_role("status")).to_have_text(
        "The small pictures are your reconstructions of 7.", timeout=TIMEOUT
    )
    expect(view.locator(".landed")).to_have_count(3 * 4)


def test_a_link_on_a_phone_in_the_dark(open_page: OpenPage) -> None:
    page = open_page("dark", query="tab=understand", **PHONE)
    expect(page.get_by_role("tab", name="Understand")).to_be_in_viewport(ratio=0.99)
    # The classes are lighter there than in the light.
    for number, colour in enumerate(
        ("rgb(45, 212, 191)", "rgb(224, 176, 64)", "rgb(244, 114, 182)")
    ):
        mark = toy(page).locator(f".mark[data-class='{number}']").first
        expect(mark).to_have_css("fill", colour)
    assert page.evaluate("document.documentElement.scrollWidth") == 390


def test_axe_finds_nothing_serious(opened: Page) -> None:
    page = opened
    button(page, "To the end").click()
    expect(ends(page).first).to_contain_text("Stopped after", timeout=TIMEOUT)
    for name in ("Features of each network", "Gradient stability", "The smoothed label"):
        page.get_by_role("region", name=name).scroll_into_view_if_needed()
    expect(page.locator(".formula .lane").first).to_be_visible(timeout=TIMEOUT)
    expect(page.locator(".embedding .map").first).to_be_visible(timeout=TIMEOUT)
    assert violations(page) == []
