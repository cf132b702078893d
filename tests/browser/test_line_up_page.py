"""The line-up page as a class meets it: a projector, phones, and a visitor alone."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import shown_controls
from tests.browser.test_attack_page import PHONE, violations

OpenPage = Callable[..., Page]
TIMEOUT = 90_000  # an attack on a busy machine


def open_line_up(open_page: OpenPage, **options: object) -> Page:
    page = open_page(**options)
    page.get_by_role("tab", name="Line-up").click()
    return page


def deal(page: Page, rounds: int) -> None:
    """New rounds, instead of those that came with the demo."""
    expect(page.get_by_text("Round 1 of 8, recorded")).to_be_visible(timeout=TIMEOUT)
    page.get_by_role("button", name="Rounds, seed, lanes").click()
    page.get_by_label("Rounds").fill(str(rounds))
    page.get_by_label("Rounds").press("Tab")
    page.get_by_role("button", name="Deal new rounds").click()
    expect(page.locator(".line-up .number")).not_to_contain_text("recorded")


def photo(page: Page, number: int) -> Locator:
    return page.get_by_role("radio", name=f"photo {number} of 8", exact=True)


def fits(page: Page, part: Locator) -> bool:
    """Whether all of a part is on the screen without scrolling."""
    box, size = part.bounding_box(), page.viewport_size
    return bool(box and size and box["y"] >= 0 and box["y"] + box["height"] <= size["height"])


def test_a_class_votes_from_its_phones(open_page: OpenPage, tmp_path: Path) -> None:
    host = open_line_up(open_page, accept_downloads=True)
    deal(host, 2)
    expect(photo(host, 8)).to_be_visible(timeout=TIMEOUT)
    host.get_by_role("button", name="Open a room").click()
    host.set_viewport_size({"width": 1280, "height": 800})
    for part in (host.locator(".room"), photo(host, 8), host.get_by_role("button", name="Reveal")):
        expect(part).to_be_visible()
        assert fits(host, part)
    code = host.locator(".line-up .code")
    expect(code).to_have_text(re.compile("^[A-Z2-9]{5}$"))
    expect(host.get_by_role("img", name="QR code of the room’s link")).to_be_visible()
    phone = open_page(query=f"room={code.inner_text()}", **PHONE)
    expect(photo(phone, 8)).to_be_visible()
    assert phone.evaluate("document.documentElement.scrollWidth") == 390
    # What the phone holds says nothing about the truth.
    hidden = phone.locator(".line-up").inner_html()
    assert not re.search("identity|negative|positive|zero|α", hidden.split('class="answer"')[0])
    # Eight numbers, one reconstruction, the QR code.
    assert len(set(re.findall(r'alt="(.*?)"', hidden))) == 10
    host.get_by_role("button", name="Lock the room").click()
    expect(host.get_by_text("Locked: nobody else can join.")).to_be_visible()
    late = open_page(query=f"room={code.inner_text()}", **PHONE)
    expect(late.get_by_text("This room is locked; ask its host")).to_be_visible()
    host.get_by_role("button", name="Unlock the room").click()
    photo(phone, 3).check()
    expect(phone.get_by_text("Your vote: photo 3.")).to_be_visible()
    photo(phone, 3).press("ArrowRight")
    expect(phone.get_by_text("Your vote: photo 4.")).to_be_visible()
    expect(host.get_by_text("1 of 1 have voted.")).to_be_visible()
    assert violations(phone) == []
    host.reload()  # the room survives
    host.get_by_role("tab", name="Line-up").click()
    host.get_by_role("button", name="Reveal").click()
    expect(host.get_by_role("button", name="Next round")).to_be_visible()
    assert fits(host, host.get_by_role("button", name="Next round"))
    answer = host.locator(".answer .people")
    expect(answer).to_have_text(re.compile(r"^It is photo \d, identity \d+\. [01] of 1 chose it\."))
    expect(phone.locator(".answer .people")).to_have_text(answer.inner_text())
    expect(
        phone.get_by_role("radio", name=re.compile("^photo 4 of 8, identity .+ 1 vote"))
    ).to_have_count(1)
    expect(host.get_by_role("row", name=re.compile(r"[01] of 1: 1?0+% \("))).to_have_count(1)
    assert violations(host) == []
    with host.expect_download() as download:
        host.get_by_role("button", name="Download CSV").click()
    download.value.save_as(tmp_path / "votes.csv")
    (row,) = csv.DictReader((tmp_path / "votes.csv").open(encoding="utf-8"))
    assert row["true_identity"] in answer.inner_text()
    assert (row["votes"], row["photo_4_votes"]) == ("1", "1")
    host.get_by_role("button", name="Next round").click()
    expect(phone.locator(".number")).to_have_text("Round 2", timeout=TIMEOUT)
    expect(photo(phone, 4)).to_be_enabled()
    expect(photo(phone, 4)).not_to_be_checked()


def test_alone_from_a_recorded_round_to_the_tally_of_a_new_one(open_page: OpenPage) -> None:
    page = open_line_up(open_page, theme="dark")
    expect(page.get_by_text("Round 1 of 8, recorded")).to_be_visible(timeout=TIMEOUT)
    assert shown_controls(page) <= 16
    reveal = page.get_by_role("button", name="Reveal")
    photo(page, 2).check()
    reveal.click()
    expect(page.locator(".answer .outcome")).to_have_text(
        re.compile(r"^(The face leaked through lane \w+|You were fooled: .+)\.$")
    )
    page.get_by_label("Its code").fill("AAAAA")
    page.get_by_role("button", name="Join").click()
    complaint = page.get_by_text("There is no such room; check the code")
    expect(complaint).to_be_visible()
    for _ in range(2):  # news of the game leave it there: the first is told before the second
        with page.expect_response(re.compile("component_server")):
            page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    expect(complaint).to_be_visible()
    deal(page, 1)
    expect(reveal).to_be_disabled(timeout=TIMEOUT)
    photo(page, 2).check()
    reveal.click()
    expect(page.get_by_text(re.compile(r"You were (right|wrong)\."))).to_be_visible()
    expect(page.get_by_text("That was the last round")).to_be_visible()
    expect(page.get_by_role("row", name=re.compile(r"[01] of 1: "))).to_have_count(1)
    assert violations(page) == []
    page.get_by_role("button", name="Use my last attack").click()
    expect(page.get_by_text("You have no finished attack yet")).to_be_visible()
