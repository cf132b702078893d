"""The page's state in the address, as a visitor meets it."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Error, Page, Route, expect

from mia_demo.recipes.record import recorded_identities
from mia_demo.ui.attack.evidence import today, whose_turn
from tests.browser.conftest import TINY
from tests.browser.test_attack_page import choose, settings, violations

OpenPage = Callable[..., Page]


def query(page: Page) -> str:
    return str(page.evaluate("location.search"))


def test_a_link_restores_the_attack_page_and_changes_update_it(open_page: OpenPage) -> None:
    link = "tab=attack&identity=17&preset=standard&seed=3&lanes=positive,negative&loss=poincare"
    page = open_page(query=f"{link}&room=AB12")
    settings(page)
    expect(page.get_by_role("heading", name="Identity 17", exact=True)).to_be_visible()
    expect(page.get_by_label("Seed").first).to_have_value("3")
    expect(page.get_by_label("Preset").first).to_have_value("standard")
    expect(page.get_by_role("checkbox", name="zero")).not_to_be_checked()
    expect(page.locator(".ignored")).to_have_text("")
    expect(page.locator(".estimate:visible")).to_have_text(re.compile("on this device"))
    choose(page, 18)
    page.get_by_role("checkbox", name="zero").check()
    changed = "?tab=attack&identity=18&preset=standard&seed=3&loss=poincare&room=AB12"
    page.wait_for_function("wanted => location.search.startsWith(wanted)", arg=changed)


def test_a_link_brings_recorded_results_and_names_what_is_wrong(open_page: OpenPage) -> None:
    page = open_page(query="tab=compare&results=results/poincare&identities=0-900&lesson=99")
    expect(page.get_by_role("combobox", name="Results")).to_have_value(re.compile("Poincaré"))
    # One order is not clear: no tick.
    verdict = page.locator("p.verdict[data-agreement]")
    expect(verdict).to_contain_text("only 2 of the 3 differences")
    expect(verdict).not_to_contain_text("✓")
    expect(page.get_by_role("alert").filter(has_text="Ignored")).to_have_text(
        "Ignored, because it does not fit here: identities=0-900, lesson=99."
    )
    expect(page.locator(".lesson")).to_be_hidden()


def test_locks_fix_settings_and_hide_pages(open_page: OpenPage) -> None:
    page = open_page(query="tab=attack&identity=5&lock=1&hide=train")
    expect(page.get_by_text("it is no protection")).to_be_visible()
    settings(page)
    expect(page.get_by_role("tab", name="Train")).to_be_hidden()
    expect(page.get_by_role("tab", name="Compare")).to_be_visible()
    expect(page.get_by_role("radio", name="Identity 5", exact=True)).to_be_disabled()
    expect(page.get_by_role("button", name="Somebody else")).to_be_disabled()
    expect(page.get_by_label("Seed").first).to_be_disabled()
    expect(page.get_by_role("button", name="Start")).to_be_enabled()


def test_junk_in_gradios_own_parameters_does_not_spoil_a_link_to_a_section(
    open_page: OpenPage,
) -> None:
    junk = "page=..%2Fa&deep_link=%00&view=%27"
    page = open_page(query=f"tab=understand&section=glossary&{junk}")
    expect(page.get_by_text("The model under attack.")).to_be_in_viewport()
    assert not set(parse_qs(urlsplit(page.url).query)) & {"page", "deep_link", "view"}


def test_back_and_forward_move_between_pages_in_a_german_browser_too(open_page: OpenPage) -> None:
    page = open_page(locale="de-DE")
    assert page.evaluate("document.documentElement.lang") == "en"
    assert "tab=" not in query(page)  # a bare address stays bare until something changes
    for name in ("Compare", "Understand"):
        page.get_by_role("tab", name=name).click()
        page.wait_for_function("name => location.search.includes(`tab=${name}`)", arg=name.lower())
    for go, name in (
        (page.go_back, "Compare"),
        (page.go_back, "Attack"),
        (page.go_forward, "Compare"),
    ):
        go()
        expect(page.get_by_role("tab", name=name)).to_have_attribute("aria-selected", "true")
    assert "tab=compare" in page.url
    page.go_back()
    expect(page.get_by_role("tab", name="Attack")).to_have_attribute("aria-selected", "true")


@pytest.fixture(scope="module")
def fifth(open_for_all: OpenPage) -> Page:
    """One page, at an attack of a second on identity 5."""
    page = open_for_all(query=f"{TINY}&identity=5&lanes=zero")
    page.get_by_alt_text("Real training photo 1 of identity 5").wait_for()
    return page


def test_old_results_say_that_they_are_old(fifth: Page) -> None:
    page = fifth
    settings(page)
    page.get_by_role("button", name="Start").click()
    expect(page.locator(".board")).to_have_attribute("data-phase", "done", timeout=60_000)
    shown = page.locator(".shown")
    expect(shown).to_have_text("Shown: identity 5, own settings, cross-entropy loss, seed 0.")
    page.get_by_label("Seed").first.fill("1")
    expect(shown).to_contain_text("the settings have changed since")
    page.get_by_label("Seed").first.fill("0")
    expect(shown).to_have_text("Shown: identity 5, own settings, cross-entropy loss, seed 0.")
    page.get_by_label("Seed").first.fill("0.5")
    page.get_by_role("button", name="Start").click()
    toast = page.get_by_text("Seed must be a whole number, not 0.5.")
    expect(toast).to_be_visible()
    box, lane = toast.bounding_box(), page.locator(".lane").first.bounding_box()
    assert box is not None
    assert lane is not None
    assert box["y"] + box["height"] <= lane["y"]


def test_a_setting_is_no_entry_of_the_history(fifth: Page) -> None:
    page = fifth
    settings(page)
    page.get_by_role("tab", name="Runs").click()
    page.wait_for_function("location.search.includes('tab=runs')")
    page.get_by_role("tab", name="Attack").click()
    page.wait_for_function("location.search.includes('tab=attack')")
    page.get_by_label("Seed").first.fill("7")
    page.wait_for_function("location.search.includes('seed=7')")
    page.go_back()
    expect(page.get_by_role("tab", name="Runs")).to_have_attribute("aria-selected", "true")


def test_projector_mode_enlarges_the_page_and_stays_in_the_link(fifth: Page) -> None:
    page = fifth
    page.get_by_role("tab", name="Attack").click()
    heading = page.get_by_role("heading", name="Identity 5", exact=True)
    expect(heading).to_be_visible()
    before = heading.bounding_box()
    page.get_by_role("button", name="Menu").click()
    page.get_by_role("button", name="Projector mode").click()
    page.keyboard.press("Escape")
    after = heading.bounding_box()
    assert before is not None
    assert after is not None
    assert after["height"] > 1.2 * before["height"]
    assert "projector=1" in query(page)
    assert violations(page) == []


def test_pages_hold_still_until_a_link_is_read(open_page: OpenPage, app_url: str) -> None:
    page = open_page(viewport={"width": 1280, "height": 800})
    held: list[Route] | None = []

    def hold(route: Route) -> None:
        route.continue_() if held is None else held.append(route)

    page.route("**/queue/join*", hold)
    page.goto(f"{app_url}?{TINY}&identity=3&lanes=zero")
    models = page.get_by_role("tab", name="Models")
    models.wait_for()
    with pytest.raises(Error, match="intercepts pointer events"):
        models.click(timeout=2000)
    models.focus()
    models.press("Enter")
    expect(models).to_have_attribute("aria-selected", "false")
    waiting, held = held, None
    for route in waiting:
        route.continue_()
    page.get_by_role("button", name="Start", exact=True).click()  # as soon as it can be clicked
    models.click()
    expect(page.get_by_role("region", name="Loaded models")).to_be_visible()
    page.get_by_role("tab", name="Attack").click()
    expect(page.locator(".board").first).to_have_attribute("data-phase", "done")
    expect(page.get_by_role("heading", name="Identity 3", exact=True)).to_be_visible()
    page.get_by_alt_text("Best reconstruction of identity 3 from lane zero").wait_for()


def test_a_link_never_shows_another_identity_first(open_page: OpenPage, app_url: str) -> None:
    page = open_page()
    page.add_init_script(
        """window.seen = new Set();
        new MutationObserver(() => {
          const title = document.querySelector(".attack-page .photos h3");
          const chosen = document.querySelector(".attack-page .face input:checked");
          if (title && title.textContent) window.seen.add(title.textContent);
          if (chosen) window.seen.add("Identity " + chosen.value);
        }).observe(document, { childList: true, subtree: true, characterData: true });"""
    )
    page.goto(f"{app_url}?tab=attack&identity=3")
    page.get_by_alt_text("Real training photo 1 of identity 3").wait_for()
    assert page.evaluate("[...window.seen]") == ["Identity 3"]
    page.goto(f"{app_url}?tab=attack&identity=900")
    expect(page.get_by_text("Ignored, because it does not fit here: identity=900.")).to_be_visible()
    person = whose_turn(recorded_identities(100), today())
    page.get_by_alt_text(f"Real training photo 1 of identity {person}").wait_for()
