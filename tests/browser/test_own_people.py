"""People of one's own: consent, upload, preview, training, attack, deletion."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

from playwright.sync_api import Page, expect

from mia_demo.lesson.steps import PERSON
from mia_demo.zoo.opening import open_zoo
from tests.browser.conftest import TINY
from tests.browser.test_attack_page import PHONE, settings, violations
from tests.browser.test_train_page import TIMEOUT, board, button, open_train, slide

OpenPage = Callable[..., Page]
HOSTILE = '<img src="x" onerror="document.title=1">'


def pack(path: Path, names: Sequence[str]) -> Path:
    """A zip of synthetic people with four photos each."""
    identities = open_zoo().identities()
    with zipfile.ZipFile(path, "w") as archive:
        for label, name in enumerate(names):
            for index in range(4):
                buffer = io.BytesIO()
                identities.image(label, index).save(buffer, "JPEG")
                archive.writestr(f"set/{name.replace('/', '')}/{index}.jpg", buffer.getvalue())
    return path


def choose_zip(page: Page, path: Path) -> None:
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Choose a zip of folders").click()
    chooser.value.set_files(path)


def consent(page: Page) -> None:
    page.get_by_role("button", name="Your own people").click()
    choose = page.get_by_role("button", name="Choose a zip of folders")
    expect(choose).to_be_disabled()
    page.get_by_label("I have the consent of everyone pictured").check()
    expect(choose).to_be_enabled()


def test_own_people_are_trained_on_attacked_and_deleted(
    open_page: OpenPage, tmp_path: Path
) -> None:
    page = open_train(open_page, query=TINY)
    consent(page)
    choose_zip(page, pack(tmp_path / "people.zip", ("Ada", "Bob", HOSTILE)))
    panel = page.get_by_role("region", name="Your own people")
    expect(panel.get_by_role("status")).to_have_text("3 people, 12 photos.")
    expect(panel.get_by_alt_text("A photo of Ada")).to_be_visible()
    expect(panel).to_contain_text(HOSTILE)  # a name, and nothing else
    assert page.title() != "1"
    expect(panel).to_contain_text("fewer than 10 photos")
    expect(panel).to_contain_text("a guess is right 33% of the time")
    expect(
        page.get_by_text("Trains the evaluator, then positive, zero and negative:")
    ).to_have_text(re.compile("on this machine.$"))
    expect(page.get_by_role("radio", name="Your own 3 people")).to_be_checked()
    expect(page.get_by_text("each of the 2 others")).to_be_visible()  # the smoothed label's bars

    slide(page, "Epochs", 2)
    button(page, "Start").click()
    status = board(page).get_by_role("status")
    expect(status).to_have_text(re.compile("^1 of 2, the evaluator"), timeout=TIMEOUT)
    expect(status).to_have_text(
        re.compile("Done: negative, .* It is a lane of the Attack page now"), timeout=TIMEOUT
    )
    expect(page.get_by_text("in this browser tab alone")).to_be_visible()

    page.get_by_role("tab", name="Attack").click()
    attack = page.locator(".attack-page")
    settings(page)
    expect(attack.get_by_role("radio", name="Your own 3 people")).to_be_checked()
    expect(attack.get_by_role("checkbox")).to_have_count(1)
    attack.get_by_role("radio", name="Identity 2, Bob").check()
    bob = page.get_by_alt_text(re.compile("^Real training photo . of Bob"))
    bob.first.click()
    expect(page.get_by_role("dialog").locator(bob)).to_have_count(3)
    page.keyboard.press("Escape")
    expect(page.get_by_role("heading", name="Bob", exact=True)).to_be_visible()
    # Not everybody on the page is nobody.
    expect(page.get_by_text("A photo of your own people, who consent")).to_be_visible()
    expect(page.get_by_text("All identities are synthetic")).to_have_count(0)
    page.get_by_role("button", name="Menu").click()
    expect(page.get_by_text("People of your own: you said that they consent")).to_be_visible()
    page.keyboard.press("Escape")
    attack.get_by_role("button", name="Start").click()
    expect(page.locator(".board")).to_have_attribute("data-phase", "done", timeout=TIMEOUT)
    expect(page.get_by_role("article", name="negative")).to_contain_text(
        re.compile(f"recognised|taken for (Ada|Bob|{re.escape(HOSTILE)})")
    )
    # Its timeline and its files are there, the recorded people are not: they are the demo's.
    replay = page.get_by_role("group", name="Replay")
    replay.get_by_role("slider", name="Step of the attack").press("Home")
    expect(replay).to_contain_text("Before step 1")
    expect(page.locator(".attack-page .strip")).to_be_hidden()
    assert "dentity" not in page.locator(".attack-page .board").inner_text()
    for kind, ending in (("picture", "png"), ("animation", "webp")):
        with page.expect_download() as taken:
            replay.get_by_role("button", name=f"Save {kind}").click()
        assert taken.value.suggested_filename == f"attack-identity-2-seed-0.{ending}"

    # Another visitor sees nothing of it. In this tab a link means the demo's people: the page is
    # opened anew with them, and still has the others to choose.
    visitor = open_page()
    expect(visitor.locator(".attack-page .people-choice")).to_be_hidden()
    page.get_by_role("button", name="Menu").click()
    with page.expect_event("load"):
        page.get_by_role("button", name="Lesson").click()
    expect(page.get_by_role("heading", name=f"Identity {PERSON}", exact=True)).to_be_visible()
    page.get_by_role("button", name="Leave").click()
    settings(page)
    own = page.locator(".attack-page").get_by_role("radio", name="Your own 3 people")
    own.check()
    expect(page.get_by_role("radio", name="Identity 1, Ada")).to_be_visible()

    page.get_by_role("tab", name="Train").click()
    page.get_by_role("button", name="Your own people").click()
    page.get_by_role("button", name="Delete these people").click()
    page.get_by_role("button", name="Yes, delete everything").click()
    expect(panel.get_by_role("status")).to_have_text("Deleted: photos, classifiers and evaluator.")
    page.get_by_role("tab", name="Attack").click()
    expect(page.locator(".attack-page .people-choice")).to_be_hidden()
    expect(page.locator(".whose")).to_have_text("All identities are synthetic, nobody’s face.")
    expect(page.get_by_role("radio", name="Identity 99", exact=True)).to_have_count(1)
    assert page.evaluate("sessionStorage.getItem('own-people')") == ""


def test_a_bad_zip_is_one_clear_error_and_a_good_one_shows_all_names_on_a_phone_too(
    open_page: OpenPage, tmp_path: Path
) -> None:
    page = open_train(open_page, viewport={"width": 1280, "height": 800})
    names = [f"Person {letter}" for letter in "ABCDEFGH"]
    eight, bad = pack(tmp_path / "eight.zip", names), tmp_path / "bad.zip"
    bad.write_bytes(eight.read_bytes()[:2000])
    panel = page.get_by_role("region", name="Your own people")
    consent(page)
    choose_zip(page, bad)
    sentence = "The file is not a readable zip; pack the folders again as .zip."
    expect(panel.get_by_role("status")).to_have_text(sentence)
    toast = page.get_by_test_id("toast-body")
    expect(toast).to_have_count(1)
    toast.get_by_role("button", name="Close").last.click()
    expect(toast).to_have_count(0)

    choose_zip(page, eight)
    people = page.locator(".own-people .people")
    for name in names:
        expect(people.get_by_text(name)).to_be_visible()
    hidden = people.evaluate("(list) => list.scrollHeight - list.clientHeight")
    assert hidden == 0
    page.get_by_role("button", name="Train all three lanes").wait_for()
    page.set_viewport_size(PHONE["viewport"])
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    assert violations(page) == []
    page.get_by_role("button", name="Delete these people").click()
    page.get_by_role("button", name="Yes, delete everything").click()
    expect(page.get_by_role("button", name="Choose a zip of folders")).to_be_visible()
