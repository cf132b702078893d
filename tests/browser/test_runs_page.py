"""Runs as a visitor meets them: a first visit, and one's own attack from start to file."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import shown_controls, unfold
from tests.browser.test_attack_page import CONFIDENCES, PHONE, choose, phase, start, violations

OpenPage = Callable[..., Page]

NAME = "My <b>first</b> attack of all that I shall ever remember by a name of their own"


def open_runs(page: Page) -> None:
    page.get_by_role("tab", name="Runs").click()
    page.get_by_role("button", name=re.compile("^(Show all|Open )")).last.wait_for()


def show_all(page: Page) -> None:
    more = page.get_by_role("button", name="Show all")
    if more.is_visible():
        more.click()


def test_a_first_visit_sees_a_recorded_attack_until_start(open_page: OpenPage) -> None:
    page = open_page(reduced_motion="no-preference")
    expect(page.locator(".board").get_by_role("status")).to_have_text(
        re.compile(r"^Recorded attack on identity \d+; press Start to compute your own live.$")
    )
    player = page.get_by_role("group", name="Replay")
    expect(player.get_by_text("Recorded")).to_be_visible()
    expect(player).to_contain_text(re.compile(r"Step ([2-9]|\d\d) of 50"))  # it moves
    expect(player).to_contain_text("Result")  # and comes to rest
    player.get_by_role("button", name="Play").click()
    player.get_by_role("button", name="Pause").click()
    expect(player.get_by_role("button", name="Play")).to_be_visible()
    start(page)
    expect(player).to_be_hidden()
    expect(phase(page)).to_have_attribute("data-phase", re.compile("loading|waiting|running"))


@pytest.fixture(scope="module")
def still(open_for_all: OpenPage) -> Page:
    """One page, of somebody who wants no motion."""
    return open_for_all()


def test_nothing_moves_for_those_who_want_no_motion(still: Page) -> None:
    page = still
    player = page.get_by_role("group", name="Replay")
    expect(player.get_by_role("button", name="Play")).to_be_visible()
    expect(player).to_contain_text("Result")
    # The recording's steps follow the page.
    expect(player.get_by_role("slider")).to_have_attribute("max", re.compile(r"^\d\d$"))

    # At each moment the cards say what stands at the ends of the curves.
    moments = page.evaluate(
        f"""() => {{{CONFIDENCES}
          const slider = board.querySelector(".player input");
          return Array.from({{ length: Number(slider.max) + 1 }}, (_, number) => {{
            slider.value = number;
            slider.dispatchEvent(new Event("input"));
            return confidences();
          }});
        }}"""
    )
    drawn = [(card, curve) for card, curve in moments if "%" in curve]
    assert len(drawn) >= 50
    assert all(card == curve for card, curve in drawn)


def test_the_newest_run_is_open_and_the_address_names_the_opened_one(
    still: Page, open_page: OpenPage
) -> None:
    page = still
    open_runs(page)
    slider = page.get_by_role("slider", name="Step of the attack")
    slider.wait_for()
    # At its end, which is a step where the attack was stopped.
    expect(slider).to_have_js_property("value", slider.get_attribute("max"))
    opened = page.locator('.runs li[data-open="true"]')
    expect(opened).to_have_count(1)
    assert shown_controls(page) <= 16
    show_all(page)
    # Of two clicks in a row the later one counts, though the first is still on its way. Attacks of
    # today may be on the same identity; the recorded one comes last.
    page.route("**/queue/join*", lambda _: None)  # held
    with page.expect_request("**/queue/join*"):
        page.get_by_role("button", name="Open Identity 8, seed 0").last.click()
    page.get_by_role("button", name="Open Identity 75, seed 0").last.click()
    page.unroute("**/queue/join*")  # released
    expect(page.get_by_role("heading", name="Identity 75, seed 0")).to_be_visible()
    page.wait_for_function("location.search.includes('run=recorded/identity_75')")
    assert violations(page) == []
    again = open_page(query=page.url.partition("?")[2])
    expect(again.get_by_role("heading", name="Identity 75, seed 0")).to_be_visible()


def test_attack_find_rename_scrub_repeat_take_home_delete(open_page: OpenPage) -> None:
    page = open_page(accept_downloads=True)
    choose(page, 62)
    page.get_by_label("Seed").fill("5")
    page.get_by_role("checkbox", name="positive").uncheck()
    unfold(page, "Advanced", "Steps").fill("6")
    start(page)
    expect(phase(page)).to_have_attribute("data-phase", "done", timeout=90_000)
    open_runs(page)
    page.get_by_label("Search").fill("identity 62,")  # not what stopped at step 62
    expect(page.get_by_text(re.compile(r"^1 of \d+ runs$"))).to_be_visible()

    page.get_by_role("button", name="Rename Identity 62, seed 5").click()
    page.get_by_label("New name of Identity 62, seed 5").fill(NAME)
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name=f"Open {NAME}")).to_be_focused()  # goes on from there
    page.get_by_label("Search").fill("first")
    title = page.locator(".runs-page .title", has_text="first")
    page.set_viewport_size({"width": 390, "height": 844})
    expect(title).to_have_attribute("title", NAME)
    assert title.evaluate("name => name.scrollWidth > name.clientWidth")  # cut, with an ellipsis
    assert title.evaluate("name => getComputedStyle(name).textOverflow") == "ellipsis"
    page.set_viewport_size({"width": 1440, "height": 900})
    page.get_by_role("button", name=f"Open {NAME}").click()
    expect(page.get_by_role("heading", name=NAME)).to_be_visible()

    slider = page.get_by_role("slider", name="Step of the attack")
    expect(slider).to_have_attribute("aria-valuetext", "Result")
    portrait = (
        page.locator(".runs-page")
        .get_by_role("article", name="zero")
        .locator(".portrait img.square")
    )
    result = portrait.get_attribute("src")
    slider.focus()
    slider.press("Home")
    slider.press("ArrowRight")
    expect(slider).to_have_attribute("aria-valuetext", "Step 1 of 6")
    assert portrait.get_attribute("src") != result
    assert violations(page) == []

    page.get_by_text("Download, or as a command").click()
    code = page.locator(".run-details code")
    expect(code).to_contain_text(
        "python -m mia_demo attack --identity 62 --preset quick --set steps=6"
    )
    with page.expect_download() as taken:
        page.get_by_role("button", name="Data (JSON)").click()
    data = json.loads(taken.value.path().read_text("utf-8"))
    assert (data["name"], data["seed"]) == (NAME, 5)
    assert data["command"] == code.inner_text()
    with page.expect_download() as taken:
        page.get_by_role("button", name="Report (HTML)").click()
    assert taken.value.suggested_filename == "attack-identity-62-seed-5.html"

    page.get_by_role("button", name="Run again exactly").click()
    expect(page.get_by_text("all 8 pictures are identical, to the bit")).to_be_visible(
        timeout=90_000
    )

    page.get_by_label("Search").fill("")
    show_all(page)
    page.get_by_role("button", name="Compare two").click()
    page.get_by_label(f"Compare {NAME}").check()
    page.get_by_label("Compare Identity 41, seed 0").last.check()
    page.get_by_role("button", name="Compare the two").click()
    row = page.get_by_role("row", name="preset")
    expect(row.get_by_role("cell")).to_have_text(["custom", "standard"])
    photos = page.get_by_alt_text(re.compile("^Training photo of identity"))
    expect(photos).to_have_count(2)
    assert violations(page) == []

    page.get_by_role("button", name=f"Open {NAME}").click()
    page.get_by_role("button", name="Delete My <b>first</b>").click()
    page.get_by_role("button", name="Yes, delete My <b>first</b>").click()
    expect(page.get_by_role("button", name=f"Open {NAME}")).to_have_count(0)


def test_runs_page_fits_a_phone_and_the_dark(open_page: OpenPage) -> None:
    page = open_page("dark", **PHONE, reduced_motion="no-preference")
    player = page.get_by_role("group", name="Replay")
    expect(player).to_contain_text(re.compile(r"Step ([2-9]|\d\d) of 50"))
    assert page.evaluate("window.scrollY") == 0  # what moves by itself moves nobody
    open_runs(page)
    show_all(page)
    page.get_by_role("button", name="Open Identity 41, seed 0").last.click()
    page.get_by_role("slider", name="Step of the attack").wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    assert violations(page) == []
