"""A Chromium and fresh pages in it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright

# Without a window's own parts, which are programs of their own, a page costs a third less.
CHROMIUM = shutil.which("chromium-headless-shell") or shutil.which("chromium")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
# Links to attacks for tests in which it does not matter what they find. The first takes a second
# and shows as much as a quick one, the second lasts until it is stopped.
TINY = "tab=attack&candidates=4&kept=4&steps=3&selection_rounds=1&pool_size=100"
ENDLESS = "tab=attack&candidates=2&kept=2&steps=2000&selection_rounds=1&pool_size=100"
# A page on a busy machine is slow, not wrong; the usual five seconds are no behaviour of ours.
expect.set_options(timeout=60_000)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed: apt-get install chromium-headless-shell")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield chromium
        chromium.close()


@pytest.fixture
def open_page(browser: Browser, app_url: str) -> Iterator[Callable[..., Page]]:
    """Opens the app in a context of its own, at a link's ``query`` if one is given.

    Further keywords go to ``browser.new_context``. In the end no page has asked another machine.
    """
    yield from opening(browser, app_url)


@pytest.fixture(scope="module")
def open_for_all(browser: Browser, app_url: str) -> Iterator[Callable[..., Page]]:
    """``open_page`` for a page that the tests of a module share; to open one takes two seconds.

    Each leaves it so that the next can go on.
    """
    yield from opening(browser, app_url)


def opening(browser: Browser, app_url: str) -> Iterator[Callable[..., Page]]:
    contexts = []
    requests: list[str] = []

    def new(theme: str = "light", query: str = "", **options: Any) -> Page:
        options.setdefault("viewport", {"width": 1440, "height": 900})
        # Drawing what moves is a third of what a page costs here.
        options.setdefault("reduced_motion", "reduce")
        contexts.append(browser.new_context(**options))
        contexts[-1].on("request", lambda request: requests.append(request.url))
        page = contexts[-1].new_page()
        page.goto(f"{app_url}?{query}{'&' if query else ''}__theme={theme}")
        page.locator("#opening").wait_for(state="detached")
        if query:
            page.get_by_role("button", name="Menu").wait_for()
        else:
            page.get_by_alt_text("Real training photo 1 of").wait_for()
        return page

    yield new
    for context in contexts:
        context.close()
    assert requests
    own = (app_url, "data:", "blob:", "file:")
    assert [url for url in requests if not url.startswith(own)] == []


# A frame later what was queued before it is done.
FRAMES = "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"


def unfold(part: Page | Locator, name: str, label: str) -> Locator:
    """Unfolds settings, and waits for the field with this label.

    A frame after Gradio has shown the fields, it tells them once more what they were told while
    they were folded: what a test had filled in before that would be lost.
    """
    fold = part.get_by_role("button", name=name)
    fold.click()
    field = part.get_by_label(label).first
    field.wait_for()
    fold.evaluate(f"() => {FRAMES}")
    return field


def shown_controls(page: Page) -> int:
    """How many controls the page in front shows."""
    panel = page.locator('[role="tabpanel"]:visible')
    return (
        panel.locator("button, input, select, textarea, a[href], summary")
        .filter(visible=True)
        .count()
    )
