"""The compare page as a visitor meets it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Download, Locator, Page, expect

from mia_demo.report.contact_sheet import contact_sheet
from mia_demo.sweep.results import load_results
from mia_demo.zoo.folder import EMBEDDED_ZOO
from tests.browser.conftest import ENDLESS, shown_controls, unfold
from tests.browser.test_attack_page import phase, start, violations, width_on_a_phone

OpenPage = Callable[..., Page]
LANES = ["positive", "zero", "negative"]
TIMEOUT = 120_000  # a sweep on a busy machine


def open_compare(open_page: OpenPage, theme: str = "light", **options: object) -> Page:
    page = open_page(theme, **options)
    page.get_by_role("tab", name="Compare").click()
    page.locator(".sheet .strip").first.wait_for()
    return page


@pytest.fixture(scope="module")
def recorded(open_for_all: OpenPage) -> Page:
    """One page for those who look at the recorded results."""
    return open_compare(open_for_all)


def column(page: Page, name: str) -> list[str]:
    """A column's figures from top to bottom, without intervals."""
    headings = page.locator("[aria-labelledby=figures-title] thead th")
    expect(headings.filter(has_text=name).first).to_be_visible()
    index = [text.split()[0] for text in headings.all_inner_texts()].index(name)
    cells = page.locator(
        f"[aria-labelledby=figures-title] tbody tr > :nth-child({index + 1})"
    ).all_inner_texts()
    return [cell.split("\n")[0] for cell in cells]


def photos(page: Page) -> Locator:
    """Of the people on the wall's page."""
    return page.get_by_role("img", name=re.compile("^Training photo of identity"))


def open_figures(page: Page, title: str) -> None:
    summary = page.locator("summary").filter(has_text=title).first
    if not summary.evaluate("summary => summary.parentElement.open"):
        summary.click()


def controls(page: Page) -> Locator:
    return page.locator(".compare-page .controls")


def open_form(page: Page) -> None:
    if not controls(page).get_by_label("Identities").is_visible():
        controls(page).get_by_role("button", name="Attack many people").click()


def prepare_tiny_sweep(page: Page, identities: str, seeds: str = "0") -> None:
    """Two steps with two candidates: the computation is real, the pictures are not good."""
    form = controls(page)
    open_form(page)
    form.get_by_label("Identities").fill(identities)
    unfold(form, "More settings", "Seeds").fill(seeds)
    few = {"Pool size": 100, "Candidates": 2, "Steps": 2, "Kept results": 2}
    for label, value in few.items():
        form.get_by_label(label, exact=True).fill(str(value))
    form.get_by_label("Selection rounds").fill("1")
    form.get_by_label("Selection rounds").press("Tab")


def choose_results(page: Page, title: str) -> None:
    controls(page).get_by_label("Results", exact=True).click()
    page.get_by_role("option", name=title).click()


def saved(download: Download, folder: Path) -> Path:
    path = folder / download.suggested_filename
    download.save_as(path)
    return path


def test_first_look_shows_the_recorded_results(recorded: Page) -> None:
    page = recorded
    assert shown_controls(page) <= 16
    record = page.locator(".provenance")
    expect(record).to_have_text(
        re.compile(r"^Recorded on \d{4}-\d\d-\d\d with seeds? .+, commit \w+\+?, on \w+ \(\w+\):")
    )
    bars = page.locator(".leakage .bar")
    expect(bars.locator(".name")).to_have_text(LANES)
    expect(bars.first).to_have_attribute("aria-label", re.compile(r"^positive, α = \+0.1: 90% "))
    expect(page.locator("p.verdict[data-agreement]")).to_contain_text("The paper finds")
    assert page.evaluate("document.documentElement.scrollHeight") < 2000
    open_figures(page, "Figures")
    assert column(page, "Lane") == LANES


def test_headings_sort_by_click_and_keyboard(recorded: Page) -> None:
    page = recorded
    open_figures(page, "Figures")
    alpha = page.get_by_role("columnheader", name="α")
    alpha.get_by_role("button").click()
    expect(alpha).to_have_attribute("aria-sort", "ascending")
    assert column(page, "α") == ["−0.05", "0", "+0.1"]  # as numbers, not as words
    page.keyboard.press("Enter")
    expect(alpha).to_have_attribute("aria-sort", "descending")
    assert column(page, "α") == ["+0.1", "0", "−0.05"]
    page.get_by_role("button", name="Acc@1 ↕", exact=True).click()
    shares = [float(share.rstrip("%")) for share in column(page, "Acc@1")]
    assert shares == sorted(shares)
    expect(alpha).not_to_have_attribute("aria-sort", re.compile(".+"))
    page.get_by_label("All figures").first.check()
    expect(page.get_by_role("columnheader", name="Fréchet")).to_be_visible()


def test_a_bar_or_a_point_shows_its_reconstructions(recorded: Page) -> None:
    page = recorded
    bar = page.get_by_role("button", name=re.compile("^zero, α = 0:"))
    bar.click()
    expect(bar).to_have_attribute("aria-pressed", "true")
    pictures = page.get_by_role("img", name=re.compile("^Best reconstruction of identity 0 from"))
    expect(pictures).to_have_count(1)
    expect(pictures).to_have_attribute("aria-label", re.compile("from lane zero:"))
    expect(page.locator("section.sheet")).to_be_in_viewport()
    # A point in the chart does the same, with the keyboard too, and once more takes it back.
    open_figures(page, "Accuracy against leakage")
    point = page.get_by_role("button", name=re.compile("^negative: test accuracy"))
    point.press("Enter")
    expect(pictures).to_have_attribute("aria-label", re.compile("from lane negative:"))
    expect(bar).to_have_attribute("aria-pressed", "false")
    point.press("Enter")
    expect(pictures).to_have_count(3)
    bar.click()
    page.get_by_role("button", name="All lanes").click()
    expect(pictures).to_have_count(3)


def test_the_wall_of_faces_is_paged(recorded: Page) -> None:
    page = recorded
    expect(photos(page)).to_have_count(20)
    shown, before, after = (page.locator(f".pager {part}") for part in (".shown", ".back", ".on"))
    expect(shown).to_have_text("1 to 20 of 100")
    expect(before).to_be_disabled()
    for _ in range(4):
        after.click()
    expect(shown).to_have_text("81 to 100 of 100")
    expect(photos(page).last).to_have_attribute("aria-label", "Training photo of identity 99")
    expect(after).to_be_disabled()
    # As many frames are red as the recorded verdicts say.
    results = load_results(EMBEDDED_ZOO / "results" / "standard")
    leaked = sum(tile.is_recognised for tiles in contact_sheet(results)[80:] for tile in tiles)
    expect(page.locator('.square[data-kind="recognised"]')).to_have_count(leaked)


def test_sweep_stop_resume_and_results(open_page: OpenPage) -> None:
    page = open_compare(open_page)
    prepare_tiny_sweep(page, "3,7", seeds="0-2")
    form = controls(page)
    form.get_by_role("button", name="Start", exact=True).click()
    status = form.get_by_role("status")
    expect(status).to_have_text(re.compile(r"^[1-9]\d* of 6 attacks are done"), timeout=TIMEOUT)
    expect(form.get_by_role("img", name=re.compile("^Best reconstruction of"))).to_have_count(3)
    form.get_by_role("button", name="Stop").click()
    expect(status).to_have_text(re.compile(r"^Stopped after \d+ of 6 attacks; they are kept."))
    done = int(re.findall(r"\d+", status.inner_text())[0])
    assert 0 < done < 6
    open_figures(page, "Accuracy against")
    expect(page.locator(".scatter svg")).to_be_visible()
    # The finished part is a table of its own.
    form.get_by_role("button", name="Show the finished part").click()
    expect(page.locator(".provenance")).to_contain_text("Your sweep", timeout=TIMEOUT)
    expect(status).to_have_text(f"The table shows what {done} of 6 attacks give.")
    form.get_by_role("button", name="Resume").click()
    expect(status).to_contain_text(f"attacks are done, {done} of them before.")
    # Results that come while another page is in front are drawn all the same.
    page.get_by_role("tab", name="Attack").click()
    all_done = "All 6 attacks are done; the results are shown."
    expect(page.locator(".compare-page .sweep .status")).to_have_text(all_done, timeout=TIMEOUT)
    page.get_by_role("tab", name="Compare").click()
    expect(status).to_have_text(all_done)
    expect(page.locator(".scatter svg")).to_be_visible()
    expect(page.locator(".provenance")).to_contain_text("with seeds 0, 1, 2")
    expect(photos(page)).to_have_count(2)
    open_figures(page, "Figures")
    assert column(page, "Lane") == LANES
    # Too few images for a Fréchet distance: a dash and the reason.
    page.get_by_label("All figures").first.check()
    assert column(page, "Fréchet") == ["–"] * 3
    expect(page.locator(".reason").first).to_contain_text("needs more than")
    expect(page.locator("p.verdict[data-agreement]")).to_contain_text("too few to say")
    # The recorded results are still there.
    choose_results(page, "Standard attack × 100")
    expect(photos(page)).to_have_count(20)


def test_a_sweep_lets_another_visitors_attack_go_first(open_page: OpenPage) -> None:
    sweeper, attacker = open_compare(open_page), open_page(query=ENDLESS)
    prepare_tiny_sweep(sweeper, "20-39")
    controls(sweeper).get_by_role("button", name="Start", exact=True).click()
    status = controls(sweeper).get_by_role("status")
    expect(status).to_have_text(re.compile(r"^[1-9]\d* of 20"), timeout=TIMEOUT)
    start(attacker)
    expect(status).to_have_text("Another visitor goes first; your sweep continues right after.")
    expect(attacker.locator(".board .status")).to_contain_text("Optimisation: step")
    attacker.get_by_role("button", name="Stop").click()
    expect(attacker.locator(".board")).to_have_attribute("data-phase", "stopped", timeout=TIMEOUT)
    expect(status).to_have_text(re.compile("^[1-9]\\d* of 20"), timeout=TIMEOUT)


def test_a_slip_is_one_clear_error(recorded: Page) -> None:
    page = recorded
    open_form(page)
    controls(page).get_by_label("Identities").fill("5,100")
    controls(page).get_by_role("button", name="Start", exact=True).click()
    expect(page.get_by_text("Identity 100 does not exist; choose from 0 to 99.")).to_have_count(1)
    controls(page).get_by_label("Identities").fill("0-99999999999")
    controls(page).get_by_role("button", name="Start", exact=True).click()
    expect(page.get_by_text("names more than 10000 numbers")).to_have_count(1)


def test_downloads(recorded: Page, tmp_path: Path) -> None:
    page = recorded
    open_figures(page, "In words")
    files = {}
    for kind, name in (("csv", "CSV"), ("json", "JSON"), ("html", "HTML report")):
        with page.expect_download() as download:
            page.get_by_role("button", name=f"Download {name}").click()
        files[kind] = saved(download.value, tmp_path)
    assert {path.name for path in files.values()} == {
        "standard.csv", "standard.json", "standard.html"
    }  # fmt: skip
    assert files["csv"].read_text("utf-8").startswith("lane,alpha,test_accuracy,acc1")
    rows = json.loads(files["json"].read_text("utf-8"))["rows"]
    assert [row["lane"] for row in rows] == LANES
    # The report needs neither the demo nor a network.
    report = page.context.new_page()
    requests: list[str] = []
    report.on("request", lambda request: requests.append(request.url))
    report.goto(files["html"].as_uri())
    expect(report.get_by_role("img")).to_have_count(400)
    expect(report.get_by_role("table").first).to_contain_text(f"{rows[0]['acc1']:.1%}")
    assert [url for url in requests if not url.startswith(("file:", "data:"))] == []
    assert violations(report) == []


def test_trainings_of_a_target_share_one_label(recorded: Page) -> None:
    page = recorded
    choose_results(page, "3 trainings each × 100")
    expect(page.locator(".leakage .bar .name")).to_have_text(LANES)
    open_figures(page, "Accuracy against leakage")
    plot = page.locator(".scatter")
    expect(plot.get_by_role("button", name=re.compile("@4[234]: test accuracy"))).to_have_count(9)
    expect(plot.locator("text.label")).to_have_text(LANES)
    # The axes fit the data.
    area = plot.locator("svg").bounding_box()
    boxes = [box for part in plot.locator(".interval").all() if (box := part.bounding_box())]
    assert area is not None
    height = max(box["y"] + box["height"] for box in boxes) - min(box["y"] for box in boxes)
    assert height > area["height"] / 2
    expect(plot.get_by_text("only their seed differs")).to_be_visible()


def test_an_attack_goes_on_behind_the_compare_page(open_page: OpenPage) -> None:
    page = open_page(query=ENDLESS)
    start(page)
    status = page.locator(".board .status")
    expect(status).to_contain_text("Optimisation: step")
    page.get_by_role("tab", name="Compare").click()
    left_at = str(status.text_content())
    page.locator(".sheet .strip").first.wait_for()
    page.get_by_role("tab", name="Attack").click()
    expect(status).not_to_have_text(left_at)
    expect(status).to_contain_text("Optimisation: step")
    page.get_by_role("button", name="Stop").click()
    expect(phase(page)).to_have_attribute("data-phase", "stopped", timeout=TIMEOUT)
    page.get_by_role("tab", name="Compare").click()
    expect(photos(page)).to_have_count(20)


def test_axe_finds_nothing_serious_and_a_phone_need_not_scroll_sideways(recorded: Page) -> None:
    page = recorded
    open_form(page)
    controls(page).get_by_role("button", name="More settings").click()
    for title in ("In words", "Accuracy against", "Figures", "What leaks"):
        open_figures(page, title)
    page.get_by_label("All figures").first.check()
    open_figures(page, "What the figures mean")
    assert violations(page) == []
    assert width_on_a_phone(page) == 390
