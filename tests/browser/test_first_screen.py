"""The first screen: what a stranger sees without scrolling, on a laptop and on a phone."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.test_attack_page import LANES, PHONE, violations

OpenPage = Callable[..., Page]
LAPTOP = {"viewport": {"width": 1280, "height": 800}}
MAX_WORDS = 90
MAX_CONTROLS = 8  # beside the pages' tabs

SEEN = """selector => [...document.querySelectorAll(selector)].filter(part => {
  const { top, bottom, left, right, width, height } = part.getBoundingClientRect();
  return part.checkVisibility({ visibilityProperty: true }) && width > 1 && height > 1
    && top >= 0 && bottom <= innerHeight && left >= 0 && right <= innerWidth;
})"""
WORDS = """() => {
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const words = [];
  const range = document.createRange();
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const parent = node.parentElement;
    if (["STYLE", "SCRIPT", "OPTION"].includes(parent.tagName)) continue;
    if (!parent.checkVisibility({ visibilityProperty: true })) continue;
    if (parent.closest(".hidden-text, .sr-only, .look")) continue;
    range.selectNodeContents(node);
    const { top, width } = range.getBoundingClientRect();
    if (width > 1 && top < innerHeight) words.push(...node.textContent.split(/\\s+/));
  }
  return words.filter(word => /[\\p{L}\\p{N}]/u.test(word));
}"""
TYPE = (
    "parts => parts.map(part => parseFloat(getComputedStyle(part).fontSize) * part.currentCSSZoom)"
)
CONTROLS = ":is(button, a[href], input, select, textarea, summary, [role=button]):not([role=tab])"


def seen(page: Page, selector: str) -> int:
    """How many of these parts lie wholly on the screen."""
    return int(page.evaluate(f"selector => ({SEEN})(selector).length", selector))


def size(part: Locator) -> float:
    box = part.bounding_box()
    assert box is not None
    return box["width"]


@pytest.fixture(scope="module")
def laptop(open_for_all: OpenPage) -> Page:
    return open_for_all(**LAPTOP)


def test_a_laptop_shows_the_message_without_scrolling(laptop: Page) -> None:
    page = laptop
    expect(page.get_by_text("Today’s synthetic person")).to_be_visible()
    heading = page.get_by_role("heading", name="label smoothing gives more faces away")
    expect(heading).to_be_in_viewport(ratio=1)
    assert seen(page, ".photos .portrait img.square") == 1
    assert seen(page, ".lane .portrait img.square") == len(LANES)
    assert seen(page, ".lane .portrait .stamp") == len(LANES)
    assert all(size(part) >= 220 for part in page.locator(".board .portrait:visible").all())
    # A dozen people: a photo each, a tile in every lane's row, and the share of all people.
    assert seen(page, ".strip .tile") == 12 * (1 + len(LANES))
    assert seen(page, ".strip .share strong") == seen(page, ".strip [role=meter]") == len(LANES)
    for lane in LANES:
        meter = page.get_by_role("meter", name=f"Given away by lane {lane}")
        expect(meter).to_have_attribute("aria-valuetext", re.compile("of 100, 95% interval"))
    # The smoothed labels: a bar and a figure each, with a name.
    labels = page.get_by_role("img", name="Label of the right person in training: ")
    assert labels.all_inner_texts() == ["90%", "100%", "105%"]
    full = labels.nth(1).locator(".fill").bounding_box()
    assert full is not None
    for label, share in zip(labels.all(), (0.901, 1.0, 1.05), strict=True):
        assert label.get_attribute("title") == label.get_attribute("aria-label")
        bar = label.locator(".fill").bounding_box()
        assert bar is not None
        assert bar["width"] / full["width"] == pytest.approx(share, abs=0.01)
    words = page.evaluate(WORDS)
    # A verdict of three words more, "taken for identity 7", in as many lanes as on any day.
    others = [
        page.locator(f".strip .tile[data-kind=other]:nth-child({number})").count()
        for number in range(1, 13)
    ]
    today = page.locator(".board .stamp[data-kind=other]").count()
    assert len(words) + 3 * (max(others) - today) <= MAX_WORDS, words
    controls = page.evaluate(f"selector => ({SEEN})(selector).map(x => x.outerHTML)", CONTROLS)
    assert len(controls) <= MAX_CONTROLS, controls
    for link, tab in (("Why?", "Understand"), ("Compare", "Compare")):
        page.get_by_role("link", name=link).click()
        expect(page.get_by_role("tab", name=tab)).to_have_attribute("aria-selected", "true")
        page.get_by_role("tab", name="Attack").click()


def test_verdicts_are_told_apart_without_colour(laptop: Page) -> None:
    stamps = laptop.locator(".board .lane .stamp")
    for stamp in stamps.all():
        kind = stamp.get_attribute("data-kind")
        words = {"recognised": "✓ recognised", "other": "✗ taken for identity"}[str(kind)]
        expect(stamp).to_contain_text(words)
        frame = stamp.locator("xpath=..").evaluate("part => getComputedStyle(part).borderTopStyle")
        assert frame == {"recognised": "solid", "other": "dashed"}[str(kind)]
    # Taken for somebody else: that person's photo stands on the picture.
    others = laptop.locator(".board .lane .portrait[data-kind=other]").count()
    assert laptop.get_by_alt_text("whom the evaluator names").count() == others
    assert violations(laptop) == []


def test_a_picture_opens_large_beside_the_photo(laptop: Page) -> None:
    page = laptop
    page.locator(".board .lane[data-lane=negative] .portrait").click()
    dialog = page.get_by_role("dialog", name="Closer look")
    expect(dialog.get_by_role("radio", name="negative")).to_be_checked()
    expect(dialog.get_by_role("radio", name="negative")).to_be_focused()
    expect(dialog).to_contain_text("99.8% test accuracy")
    wipe = dialog.get_by_role("slider", name="From the photo to the reconstruction")
    wipe.press("Home")
    above = dialog.locator(".pair .above")
    expect(above).to_have_css("clip-path", "inset(0px 0px 0px 0%)")
    dialog.get_by_role("radio", name="zero").check()
    expect(above).to_have_attribute("alt", re.compile("lane zero"))
    with page.expect_download() as taken:
        dialog.get_by_role("button", name="Save picture").click()
    assert re.fullmatch(r"attack-identity-\d+-seed-0\.png", taken.value.suggested_filename)
    assert violations(page) == []
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    look = page.get_by_role("button", name="Look closer")
    strip = page.locator(".strip").first
    page.locator(".board").click(position={"x": 5, "y": 5})
    place = strip.bounding_box()
    look.focus()
    expect(look).to_be_in_viewport()
    # Nothing moved: a click that takes the focus away must not miss its aim.
    assert strip.bounding_box() == place
    look.press("Enter")
    expect(dialog).to_be_visible()


def test_a_phone_shows_the_photo_and_a_reconstruction_of_every_lane(open_page: OpenPage) -> None:
    page = open_page("dark", **PHONE)
    assert seen(page, ".board .portrait img.square") == 1 + len(LANES)
    assert seen(page, ".board .lane .stamp") == len(LANES)
    assert seen(page, ".board .lane .label") == len(LANES)
    assert seen(page, ".strip .share strong") == seen(page, ".strip [role=meter]") == len(LANES)
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    ends = page.locator(".strip .meter").evaluate_all(
        "meters => meters.map((meter) => meter.getBoundingClientRect().right)"
    )
    assert len(ends) == len(LANES)
    assert max(ends) <= 390
    assert violations(page) == []


def test_somebody_else_plays_at_once(open_page: OpenPage) -> None:
    page = open_page(**LAPTOP, reduced_motion="no-preference")
    title = page.locator(".photos h3")
    before = title.inner_text()
    page.get_by_role("button", name="Somebody else").click()
    expect(title).not_to_have_text(before)
    expect(page.locator(".board")).to_have_attribute("data-phase", re.compile("replay|recorded"))
    expect(page.get_by_role("group", name="Replay")).to_contain_text(re.compile(r"Step \d+ of 50"))


def test_candidates_in_chunks_are_watched_and_replayed_to_the_end(open_page: OpenPage) -> None:
    """The first step of a chunk has no gradient before it to be compared with."""
    chunks = "tab=attack&identity=5&lanes=zero,negative&preset=paper&candidates=50&kept=2"
    page = open_page(query=f"{chunks}&steps=3&selection_rounds=1&pool_size=100", **LAPTOP)
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.get_by_alt_text("Real training photo 1 of identity 5").wait_for()
    page.get_by_role("button", name="Start", exact=True).click()
    # Looked at closely all the while, with the keyboard in the choice of lanes.
    page.get_by_alt_text("Best reconstruction of identity 5 from lane zero").first.wait_for()
    page.get_by_role("button", name="Look closer").press("Enter")
    dialog = page.get_by_role("dialog", name="Closer look")
    dialog.get_by_role("radio", name="negative").check()
    board = page.locator(".board")
    expect(board).to_have_attribute("data-phase", "done", timeout=90_000)
    expect(dialog.get_by_role("radio", name="negative")).to_be_focused()
    page.keyboard.press("Escape")
    slider = page.get_by_role("slider", name="Step of the attack")
    expect(slider).to_have_attribute("aria-valuetext", "Result")
    slider.press("Home")
    for _ in range(int(slider.get_attribute("max") or 0)):
        slider.press("ArrowRight")
    expect(slider).to_have_attribute("aria-valuetext", "Result")
    assert errors == []


def test_a_live_attack_leaves_its_timeline_its_files_and_a_tally(open_page: OpenPage) -> None:
    tiny = "tab=attack&identity=5&lanes=zero&candidates=1&kept=1&steps=4&selection_rounds=1"
    page = open_page(query=tiny, **LAPTOP)
    page.get_by_alt_text("Real training photo 1 of identity 5").wait_for()
    start = page.get_by_role("button", name="Start", exact=True)
    slider = page.get_by_role("slider", name="Step of the attack")
    for number in (1, 2):
        start.click()
        tally = page.locator(".tally")
        expect(tally).to_have_text(
            re.compile(rf"^Your attacks so far, recognised: zero \d of {number}\.$")
        )
        expect(slider).to_have_attribute("aria-valuetext", "Result")
    result = page.locator(".lane .portrait img").first.get_attribute("src")
    slider.press("Home")
    slider.press("ArrowRight")
    expect(slider).to_have_attribute("aria-valuetext", "Step 1 of 4")
    assert page.locator(".lane .portrait img").first.get_attribute("src") != result
    # One step under the glass, with its own numbers: its new w is where the next one begins.
    page.get_by_text("One step under the magnifying glass").click()
    glass = page.locator(".glass")
    expect(glass.get_by_role("heading")).to_have_text(
        ["w", "image", "logits", "loss", "gradient", "new w"]
    )
    expect(glass.locator("[data-part=logits] .target")).to_have_text("5 (target)")
    expect(glass.locator("[data-part=loss] strong")).to_have_text(re.compile(r"^\d+\.\d{3}$"))
    expect(glass.locator("[data-part=image] img")).to_be_visible()
    ends = numbers(glass.locator("[data-part=next] .bars i"))
    glass.get_by_role("slider", name="Step under the glass").press("ArrowRight")
    expect(slider).to_have_attribute("aria-valuetext", "Step 2 of 4")
    assert numbers(glass.locator("[data-part=w] .bars i")) == pytest.approx(ends, abs=0.0002)
    with page.expect_download() as taken:
        page.get_by_role("group", name="Replay").get_by_role("button", name="Save anim").click()
    assert taken.value.suggested_filename == "attack-identity-5-seed-0.webp"


def numbers(bars: Locator) -> list[float]:
    """What bars say when pointed at."""
    told = bars.evaluate_all("bars => bars.map(({ title }) => title)")
    assert told
    return [float(text.replace("\u2212", "-")) for text in told]


def test_a_slow_line_shows_the_message_at_once_where_it_stays(
    browser: Browser, app_url: str
) -> None:
    page = browser.new_context(**LAPTOP, reduced_motion="reduce").new_page()
    network = page.context.new_cdp_session(page)
    sizes: dict[str, int] = {}
    network.on(
        "Network.loadingFinished", lambda e: sizes.update({e["requestId"]: e["encodedDataLength"]})
    )
    network.send("Network.enable")
    line = {"offline": False, "latency": 40, "uploadThroughput": -1}
    network.send("Network.emulateNetworkConditions", {**line, "downloadThroughput": 50_000})
    page.goto(f"{app_url}?__theme=light", wait_until="commit")
    page.wait_for_function("performance.getEntriesByName('first-contentful-paint').length")
    painted = page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime")
    assert painted <= 5000
    # What is in the opening, which is closed to scripts; its end may still be on the line.
    early: list[Any] = []
    while len(early) < 1 + len(LANES) and page.locator("#opening").count():
        document = network.send("DOM.getDocument", {"depth": -1, "pierce": True})
        early = [
            network.send("DOM.getBoxModel", {"nodeId": node})["model"]["border"][:2]
            for node in portraits_in(document["root"])
        ]
    network.send("Network.emulateNetworkConditions", {**line, "downloadThroughput": -1})
    page.locator("#opening").wait_for(state="detached")
    late = page.evaluate(
        """() => [...document.querySelectorAll(".attack-page .portrait")]
          .map((part) => part.getBoundingClientRect()).map(({ x, y }) => [x, y])"""
    )
    assert len(early) == 1 + len(LANES)
    assert early == [pytest.approx(place, abs=2) for place in late]
    assert max(sizes.values()) <= 250_000  # the page itself; everything else is smaller
    page.context.close()


def portraits_in(node: dict[str, Any]) -> list[int]:
    """Node numbers of the opening's portraits."""
    parts = [*node.get("children", []), *node.get("shadowRoots", [])]
    own = [node["nodeId"]] if "portrait" in node.get("attributes", []) else []
    return [*own, *(found for part in parts for found in portraits_in(part))]


def test_a_projector_enlarges_faces_and_verdicts_and_hides_chrome(open_page: OpenPage) -> None:
    # Recognised in two lanes, taken for somebody else in one.
    page = open_page(query="tab=attack&identity=25", **LAPTOP)
    faces = page.locator(".board .portrait")
    stamps = page.locator(".board .lane .stamp")
    expect(page.locator(".board .stamp[data-kind=other]")).to_have_count(1)
    rows = page.locator(".strip .row .name")
    colours = rows.evaluate_all("names => names.map((name) => getComputedStyle(name).color)")
    # Where four faces fill the width they can grow by their frames alone.
    for width, height, face, verdict in ((1280, 720, 1.25, 1.25), (1920, 1080, 1.05, 1.9)):
        page.set_viewport_size({"width": width, "height": height})
        before = [size(part) for part in faces.all()], stamps.evaluate_all(TYPE)
        project(page)
        after = [size(part) for part in faces.all()], stamps.evaluate_all(TYPE)
        for was, now, growth in zip(before, after, (face, verdict), strict=True):
            assert all(b > a * growth for a, b in zip(was, now, strict=True))
        parts = (".photos .portrait", ".lane .stamp", ".strip .tile", ".share strong", ".claim h2")
        assert [seen(page, part) for part in parts] == [1, 3, 48, 3, 1]
        for chrome in ("Somebody else", "Settings"):
            expect(page.get_by_role("button", name=chrome, exact=True)).to_be_hidden()
        expect(page.get_by_role("button", name="Start", exact=True)).to_be_in_viewport(ratio=1)
        assert colours == rows.evaluate_all("names => names.map((n) => getComputedStyle(n).color)")
        project(page)


def project(page: Page) -> None:
    """Switches the projector mode."""
    page.get_by_role("button", name="Menu").click()
    page.get_by_role("button", name="Projector mode").click()
    page.keyboard.press("Escape")
