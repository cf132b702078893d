"""Remakes the pictures of the docs on a fresh page: ``python -m tests.screenshots``.

Everything in them is computed meanwhile, so it takes some minutes.
"""

from __future__ import annotations

import argparse
import io
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image
from playwright.sync_api import Browser, Page, expect, sync_playwright

from mia_demo.lesson.steps import PERSON
from mia_demo.runs.attack_run import load_attack
from mia_demo.runs.export import export
from mia_demo.runs.store import RECORDED_RUNS
from mia_demo.system.device import choose_compute
from mia_demo.ui.engine.engine import Engine
from mia_demo.ui.engine.training_form import FIRST_ALPHA
from mia_demo.ui.train.handlers import TrainHandlers
from mia_demo.zoo.opening import open_zoo
from tests.browser.conftest import ARGUMENTS, CHROMIUM

ROOT = Path(__file__).parent.parent
WIDE = {"viewport": {"width": 1440, "height": 900}}
PHONE = {
    "viewport": {"width": 390, "height": 844},
    "is_mobile": True,
    "has_touch": True,
    "device_scale_factor": 2,
    "reduced_motion": "reduce",  # results, not moments on the way
}
RECORDED = "identity_50"  # the seventh of twelve
RECORDED_TRAINING = ROOT / "mia_demo/ui/boards/recorded_training.json"
SAID_ANEW = ("name", "phase", "status", "announcement", "facts")
PHONE_WIDTH, GAP = 300, 18
MAX_BYTES = 500_000
TIMEOUT = 600_000


class Studio:
    """A browser on a page, and the folder that pictures go to."""

    def __init__(self, browser: Browser, url: str, folder: Path) -> None:
        self.browser, self.url, self.folder = browser, url, folder

    def open(self, query: str = "", theme: str = "light", **options: object) -> Page:
        page = self.browser.new_context(**{**WIDE, **options}).new_page()
        page.set_default_timeout(TIMEOUT)
        page.goto(f"{self.url}?{query}{'&' if query else ''}__theme={theme}")
        page.get_by_role("button", name="Menu").wait_for()
        return page

    def keep(self, name: str, picture: bytes | Image.Image) -> None:
        """Saves a PNG, with fewer colours if it would be too large."""
        image = Image.open(io.BytesIO(picture)) if isinstance(picture, bytes) else picture
        image = image.convert("RGB")
        path = self.folder / f"{name}.png"
        image.save(path, optimize=True)
        if path.stat().st_size > MAX_BYTES:
            image.quantize(256, kmeans=3).save(path, optimize=True)
        sys.stdout.write(f"{path.name}: {path.stat().st_size:,} bytes\n")

    def wide(self, name: str, page: Page, height: int) -> None:
        """The top of a page."""
        page.set_viewport_size({"width": WIDE["viewport"]["width"], "height": height})
        # Beside the lesson the page scrolls in a part of the window.
        page.evaluate("document.querySelector('.gradio-container').scrollTo(0, 0)")
        page.evaluate("window.scrollTo(0, 0)")
        page.mouse.move(0, 0)
        page.wait_for_timeout(1500)  # charts follow the window
        self.keep(name, page.screenshot())


def attack(studio: Studio) -> Page:
    page = studio.open(f"tab=attack&identity={PERSON}")
    page.locator(".attack-page").get_by_role("button", name="Start", exact=True).click()
    expect(page.locator(".attack-page .board")).to_have_attribute(
        "data-phase", "done", timeout=TIMEOUT
    )
    studio.wide("attack", page, 1290)
    return page


def compare(studio: Studio) -> Page:
    page = studio.open("tab=compare")
    page.get_by_role("heading", name="Everybody").wait_for()
    studio.wide("compare", page, 1220)
    return page


def shield(studio: Studio) -> Page:
    page = studio.open("tab=shield")
    page.get_by_role("gridcell").last.wait_for()
    studio.wide("shield", page, 1090)
    return page


def line_up(studio: Studio) -> Page:
    page = studio.open("tab=line-up")
    page.get_by_text("Round 1 of 8, recorded").wait_for()
    page.get_by_role("button", name="Rounds, seed, lanes").click()
    page.locator(".line-up-page").get_by_label("Seed").fill("5")
    page.get_by_role("button", name="Deal new rounds").click()
    for number, vote in enumerate((1, 2, 0), start=1):
        page.locator(".line-up .number", has_text=re.compile(f"Round {number} of \\d+$")).wait_for()
        page.locator(".line-up .photo").nth(vote).click()
        page.get_by_role("button", name="Reveal").click()
        if number < 3:
            page.get_by_role("button", name="Next round").click()
    studio.wide("line_up", page, 1240)
    return page


def train(studio: Studio) -> Page:
    page = studio.open("tab=train")
    page.locator(".train-page").get_by_role("button", name="Start", exact=True).click()
    page.locator(".training .status").get_by_text("Done: own").wait_for()
    studio.wide("train", page, 1400)
    return page


def models(studio: Studio) -> Page:
    page = studio.open("tab=models")
    page.locator(".models").get_by_text("judges the attacks").wait_for()
    studio.wide("models", page, 830)
    return page


def runs(studio: Studio) -> Page:
    page = studio.open("tab=runs", theme="dark")
    page.get_by_role("button", name=f"Open Identity {PERSON}").click()
    slider = page.get_by_role("slider", name="Step of the attack")
    slider.fill("18")
    studio.wide("runs", page, 1330)
    return page


def understand(studio: Studio) -> Page:
    page = studio.open("tab=understand")
    page.locator(".toy .play").click()
    page.locator(".toy .words").get_by_text("3113 steps").wait_for()
    studio.wide("understand", page, 1340)
    return page


def lesson(studio: Studio) -> Page:
    page = studio.open("tab=compare&results=results/alphas&lesson=10")
    page.locator("summary", has_text="Accuracy against leakage").click()
    page.get_by_role("radio", name="One to five").check()
    page.get_by_role("button", name="Reveal").click()
    page.get_by_text("percentage points here").wait_for()
    studio.wide("lesson", page, 860)
    return page


def phones(studio: Studio, host: Page) -> None:
    """Pages on a phone, side by side."""
    host.get_by_role("button", name="Next round").click()  # one that phones can vote in
    host.locator(".line-up .number", has_text=re.compile("Round 4")).wait_for()
    host.get_by_role("button", name="Open a room").click()
    expect(host.locator(".line-up .code")).not_to_be_empty()
    code = host.locator(".line-up .code").inner_text()

    def first(page: Page) -> None:
        page.locator(".board[data-phase=recorded]").first.wait_for()

    def voter(page: Page) -> None:
        page.locator(".line-up .photo").nth(4).click()
        page.get_by_text("Your vote").wait_for()

    def curves(page: Page) -> None:
        page.get_by_role("button", name="Open own-1").click()
        page.locator(".runs-page .training:not([hidden]) figure").first.scroll_into_view_if_needed()

    def toy(page: Page) -> None:
        page.locator(".toy").evaluate("toy => toy.scrollIntoView()")
        page.locator(".toy .play").click()
        page.locator(".toy .words").get_by_text("3113 steps").wait_for()

    def leakage(page: Page) -> None:
        page.locator(".leakage").scroll_into_view_if_needed()

    shots: list[tuple[str, str, Callable[[Page], None]]] = [
        ("tab=attack", "light", first),
        (f"room={code}", "light", voter),
        ("tab=runs", "dark", curves),
        ("tab=understand", "dark", toy),
        ("tab=compare", "light", leakage),
    ]
    width, height = PHONE_WIDTH, round(PHONE_WIDTH * 844 / 390)
    sheet = Image.new("RGB", (len(shots) * (width + GAP) + GAP, height + 2 * GAP), "#94a3b8")
    for number, (query, theme, prepare) in enumerate(shots):
        page = studio.open(query, theme, **PHONE)
        prepare(page)
        page.wait_for_timeout(1500)
        picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
        place = (GAP + number * (width + GAP), GAP)
        sheet.paste(picture.resize((width, height), Image.Resampling.LANCZOS), place)
    studio.keep("phones", sheet)


def recorded_attack(folder: Path) -> None:
    """The README's moving picture: a recorded attack as the Runs page gives it away."""
    zoo = open_zoo()
    run = load_attack(zoo.root / RECORDED_RUNS / RECORDED, RECORDED, is_recorded=True)
    photo = np.asarray(zoo.identities().image(run.config.identity, 0))
    (folder / "attack.webp").write_bytes(export(run, "webp", photo))


def recorded_training() -> None:
    """What the Train page shows before a start: a training with its first settings."""
    with tempfile.TemporaryDirectory() as work:
        engine = Engine(open_zoo(), choose_compute("cpu"), Path(work))
        *_, view = TrainHandlers(engine).api_train(FIRST_ALPHA)
    kept = {name: value for name, value in view.items() if name not in SAID_ANEW}
    RECORDED_TRAINING.write_text(json.dumps(kept, separators=(",", ":")), "utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, default=ROOT / "docs")
    folder = parser.parse_args().output
    folder.mkdir(parents=True, exist_ok=True)
    recorded_attack(folder)
    recorded_training()
    with tempfile.TemporaryDirectory() as work, sync_playwright() as playwright:
        command = [sys.executable, "-m", "tests.serve", str(Path(work) / "outbound.txt")]
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as server:
            assert server.stdout is not None
            url = server.stdout.readline().strip()
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
            studio = Studio(browser, url, folder)
            try:
                for take in (attack, compare, shield, train, models, runs, understand, lesson):
                    take(studio).context.close()
                phones(studio, line_up(studio))
                browser.close()
            finally:
                server.terminate()


if __name__ == "__main__":
    main()
