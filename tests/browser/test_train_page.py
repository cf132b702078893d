"""The train page as a visitor meets it."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, Route, expect
from safetensors.torch import load_file

from tests.browser.conftest import ENDLESS, TINY, shown_controls, unfold
from tests.browser.test_attack_page import (
    phase,
    settings,
    start,
    violations,
    width_on_a_phone,
)

OpenPage = Callable[..., Page]
TIMEOUT = 120_000  # a training on a busy machine


# Nobody is quicker: Gradio takes a pause for over a moment after its last frame is shown.
RESUME_AT_ONCE = """() => {
  const page = document.querySelector(".train-page");
  const observer = new MutationObserver(() => {
    const button = [...page.querySelectorAll(".controls button")].find(
      (one) => one.textContent.trim() === "Resume" && !one.disabled,
    );
    if (!button) return;
    observer.disconnect();
    setTimeout(() => {
      window.paused = page.querySelector("[role=status]").textContent;
      button.click();
    }, 4);
  });
  observer.observe(page, { subtree: true, childList: true, attributes: true, characterData: true });
}"""


def open_train(open_page: OpenPage, theme: str = "light", **options: object) -> Page:
    page = open_page(theme, **options)
    page.get_by_role("tab", name="Train").click()
    page.get_by_role("img", name="Smoothed label").wait_for()
    return page


def controls(page: Page) -> Locator:
    return page.locator(".train-page .controls")


def button(page: Page, name: str) -> Locator:
    return controls(page).get_by_role("button", name=name, exact=True)


def slide(page: Page, name: str, value: float) -> None:
    controls(page).get_by_role("slider", name=name).fill(str(value))


def prepare_tiny_training(page: Page, *, alpha: float, epochs: int, seed: int) -> None:
    """One photo of each person: the computation is real, the classifier is not good."""
    slide(page, "Smoothing factor", alpha)
    slide(page, "Photos of each person", 1)
    slide(page, "Epochs", epochs)
    field = unfold(controls(page), "More settings", "Seed")
    field.fill(str(seed))
    field.press("Tab")


def board(page: Page) -> Locator:
    return page.get_by_role("region", name="Training", exact=True)


def delete(page: Page, name: str) -> None:
    page.get_by_role("button", name=f"Delete {name}", exact=True).click()
    page.get_by_role("button", name=f"Yes, delete {name}").click()
    expect(page.get_by_role("button", name=f"Delete {name}", exact=True)).to_have_count(0)


@pytest.fixture(scope="module")
def form(open_for_all: OpenPage) -> Page:
    """One page for those who only fill in its form."""
    return open_train(open_for_all)


def test_a_slip_is_one_clear_error(form: Page) -> None:
    page = form
    field = unfold(controls(page), "More settings", "Learning rate")
    field.fill("5")
    field.press("Tab")
    button(page, "Start").click()
    expect(page.get_by_text("Learning rate must lie between 1e-05 and 0.1, not 5.")).to_have_count(
        1
    )
    expect(button(page, "Start")).to_be_enabled()


def test_bars_follow_the_slider_without_the_server(form: Page) -> None:
    page = form
    label = page.get_by_role("img", name="Smoothed label")
    expect(label).to_have_attribute(
        "aria-label", re.compile("Right person 1.0495, each of the 99 others −0.0005, .* −0.0495")
    )
    zero = label.locator(".zero").first.bounding_box()
    negative = label.locator("[data-sign=negative]").first.bounding_box()
    assert zero is not None
    assert negative is not None
    assert negative["y"] >= zero["y"] - 1  # hangs below the line
    slide(page, "Smoothing factor", 0.5)
    expect(page.get_by_text("Right person 0.5050, each of the 99 others 0.0050.")).to_be_visible()
    expect(label.locator("[data-sign=negative]")).to_have_count(0)
    expect(page.get_by_text("a little of everybody")).to_be_visible()
    slide(page, "Smoothing factor", 0)
    expect(page.get_by_text("Zero: exactly this person")).to_be_visible()
    # Whatever the server is asked from now on, it never answers. Not offline: a page that has lost
    # its server takes no change at all.
    page.route("**/gradio_api/queue/join**", lambda route: None)
    slider = controls(page).get_by_role("slider", name="Smoothing factor")
    slider.focus()
    slider.press("Home")
    expect(page.get_by_text("Right person 1.1980, each of the 99 others −0.0020.")).to_be_visible()


def test_train_pause_resume_attack_download_delete(open_page: OpenPage, tmp_path: Path) -> None:
    page = open_train(open_page, query=TINY)
    prepare_tiny_training(page, alpha=-0.2, epochs=4, seed=11)
    button(page, "Start").dblclick()  # as one click
    means = page.get_by_role(
        "img", name=re.compile(r"^Mean logits after epoch \d+ of 4: right person")
    )
    expect(means).to_be_visible(timeout=TIMEOUT)
    expect(button(page, "Start")).to_be_disabled()
    expect(page.get_by_text("reload the page")).to_have_count(0)
    status = board(page).get_by_role("status")
    page.evaluate(RESUME_AT_ONCE)
    button(page, "Pause").click()
    page.wait_for_function("window.paused", timeout=TIMEOUT)
    paused = page.evaluate("window.paused")
    assert int(re.findall(r"^Paused after epoch (\d+) of 4\.", paused)[0]) in range(1, 4)
    expect(status).to_have_text(re.compile(r"^Done: own-\d+, α = −0\.2, names "), timeout=TIMEOUT)
    name = re.findall(r"own-\d+", status.inner_text())[0]
    for chart in ("Loss", "Accuracy", "α in effect", "Mean logits"):
        expect(
            page.get_by_role("img", name=re.compile(f"^{chart} after epoch 4 of 4: "))
        ).to_be_visible()
    # Early schedule: full from 30% of the epochs.
    expect(page.get_by_role("img", name="α in effect")).to_have_attribute(
        "aria-label", re.compile("used −0.2$")
    )
    expect(page.get_by_role("img", name="Logits after epoch 4: right person")).to_be_visible()
    expect(button(page, "Start")).to_be_enabled()

    with page.expect_download() as download:
        page.get_by_role("button", name=f"Download {name} as safetensors").click()
    path = tmp_path / download.value.suggested_filename
    download.value.save_as(path)
    assert path.name == f"{name}.safetensors"
    assert load_file(path)["fc.weight"].shape == (100, 256)

    # A run with its curves, and a lane of the other pages at once.
    page.get_by_role("tab", name="Runs").click()
    page.get_by_role("button", name=f"Open {name}, α = −0.2").click()
    expect(
        page.locator(".runs-page").get_by_role("img", name="Loss after epoch 4 of 4")
    ).to_be_visible()
    expect(page.locator(".run-details code")).to_have_text(
        re.compile(r"train --alpha=-0\.2 .*--photos 1 ")
    )
    page.get_by_role("button", name="Show on the Train page").click()
    page.wait_for_function("location.search.includes('tab=train')")
    page.get_by_role("tab", name="Compare").click()
    compare = page.locator(".compare-page .controls")
    compare.get_by_role("button", name="Attack many people").click()
    compare.get_by_role("button", name="More settings").click()
    expect(compare.get_by_role("checkbox", name=name)).to_be_checked()
    page.get_by_role("tab", name="Train").click()
    page.get_by_role("button", name=f"Name {name}").click()
    page.get_by_label(f"New name of {name}").fill("of my class")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name=f"of my class, {name}, α = −0.2")).to_be_visible()
    page.get_by_role("button", name=f"Attack {name}").click()
    settings(page)
    lane = page.locator(".attack-page").get_by_role("checkbox", name=name)
    expect(lane).to_be_checked()
    for other in ("positive", "zero", "negative"):
        page.locator(".attack-page").get_by_role("checkbox", name=other).uncheck()
    page.locator(".attack-page").get_by_role("button", name="Start").click()
    expect(page.locator(".attack-page .board")).to_have_attribute(
        "data-phase", "done", timeout=TIMEOUT
    )
    column = page.get_by_role("article", name=name)
    expect(column).to_contain_text("α −0.2")
    expect(column.get_by_alt_text(f"from lane {name}").first).to_be_visible()

    # Another visitor finds it, unticked; deleted, it is gone from the pages.
    visitor = open_page()
    settings(visitor)
    expect(visitor.locator(".attack-page").get_by_role("checkbox", name=name)).not_to_be_checked()
    page.get_by_role("tab", name="Train").click()
    page.get_by_role("button", name=f"Delete {name}", exact=True).click()
    page.get_by_role("button", name=f"Keep {name}").click()
    delete(page, name)
    page.get_by_role("tab", name="Attack").click()
    expect(lane).to_have_count(0)


def test_stop_leaves_nothing_also_where_frames_overtake_the_answer_to_a_click(
    open_page: OpenPage,
) -> None:
    page = open_train(open_page)
    prepare_tiny_training(page, alpha=0.1, epochs=100, seed=12)
    button(page, "Start").click()
    status = board(page).get_by_role("status")
    left = page.locator(".train-page .left")
    expect(left).to_have_text(re.compile("left$"), timeout=TIMEOUT)
    expect(page.get_by_role("img", name="Loss after epoch")).to_be_visible(timeout=TIMEOUT)

    # The training keeps the tab's stream open, so the attack's frames come through it at once.
    def late(route: Route) -> None:
        answer = route.fetch()
        page.wait_for_timeout(2500)
        route.fulfill(response=answer)

    page.route("**/gradio_api/queue/join**", late)
    page.get_by_role("tab", name="Attack").click()
    attack = page.locator(".attack-page")
    attack.get_by_role("button", name="Start").click()
    expect(attack.locator(".status")).to_contain_text("step", timeout=TIMEOUT)
    expect(attack.get_by_role("button", name="Start")).to_be_disabled()
    attack.get_by_role("button", name="Stop").click()
    expect(attack.locator(".status")).to_contain_text("Stopped at step", timeout=TIMEOUT)
    page.unroute_all(behavior="wait")  # an estimate may still be on its way

    page.get_by_role("tab", name="Train").click()
    button(page, "Stop").click()
    expect(status).to_have_text("Stopped; nothing of this training is kept.", timeout=TIMEOUT)
    expect(button(page, "Stop")).to_be_disabled()
    button(page, "Start").click()
    loss = page.get_by_role("img", name=re.compile(r"^Loss after epoch \d of 100"))  # a new one
    expect(loss).to_be_visible(timeout=TIMEOUT)
    button(page, "Stop").click()
    expect(status).to_have_text("Stopped; nothing of this training is kept.", timeout=TIMEOUT)


def test_a_training_lets_another_visitors_attack_go_first(open_page: OpenPage) -> None:
    page, attacker = open_train(open_page), open_page(query=ENDLESS)
    prepare_tiny_training(page, alpha=0, epochs=100, seed=13)
    button(page, "Start").click()
    status = board(page).get_by_role("status")
    expect(status).to_have_text(re.compile("^Epoch"), timeout=TIMEOUT)
    start(attacker)
    expect(status).to_have_text("Another visitor goes first; your training continues right after.")
    expect(phase(attacker).locator(".status")).to_contain_text("Optimisation: step")
    attacker.get_by_role("button", name="Stop").click()
    expect(phase(attacker)).to_have_attribute("data-phase", "stopped", timeout=TIMEOUT)
    expect(status).to_have_text(re.compile("^Epoch"), timeout=TIMEOUT)
    button(page, "Stop").click()
    expect(status).to_have_text(re.compile("^Stopped"), timeout=TIMEOUT)


def test_axe_finds_nothing_serious_and_a_phone_need_not_scroll_sideways(
    open_page: OpenPage,
) -> None:
    page = open_train(open_page)
    # No empty charts before a start, but the picture of a recorded training.
    expect(board(page).get_by_role("img")).to_have_count(1)
    expect(board(page).get_by_text("Recorded")).to_be_visible()
    label, people = (
        controls(page).get_by_text(text).first.bounding_box()
        for text in ("Smooth the label", "Your own people")
    )
    assert label is not None
    assert people is not None
    assert label["y"] < people["y"]
    assert shown_controls(page) <= 16
    prepare_tiny_training(page, alpha=0.2, epochs=2, seed=14)
    button(page, "Start").click()
    status = board(page).get_by_role("status")
    expect(status).to_have_text(re.compile("^Done"), timeout=TIMEOUT)
    name = re.findall(r"own-\d+", status.inner_text())[0]
    found = violations(page)
    width = width_on_a_phone(page)
    # Its card on the Attack page neither praises nor blames its smoothing.
    page.goto(f"{page.url.partition('?')[0]}?{TINY}&lanes={name}")
    page.locator(".attack-page").get_by_role("button", name="Start", exact=True).click()
    expect(page.get_by_role("article", name=name)).to_contain_text("Hardly trained")
    page.get_by_role("tab", name="Train").click()
    delete(page, name)
    assert found == []
    assert width == 390


def test_a_training_whose_tab_was_closed_is_offered_and_listed(open_page: OpenPage) -> None:
    page = open_train(open_page)
    prepare_tiny_training(page, alpha=0.2, epochs=90, seed=31)
    button(page, "Start").click()
    # A finished epoch is what can be resumed.
    expect(board(page).get_by_role("status")).to_contain_text(
        re.compile(r"Epoch ([2-9]|\d\d) of 90"), timeout=TIMEOUT
    )
    page.close()
    again = open_train(open_page)
    status = board(again).get_by_role("status")
    expect(status).to_contain_text("A training with α = +0.2 is unfinished", timeout=TIMEOUT)
    expect(controls(again).get_by_role("slider", name="Epochs")).to_have_value("90")
    again.get_by_role("tab", name="Runs").click()
    listed = again.get_by_role("button", name="Open α = +0.2, unfinished")
    expect(listed).to_contain_text("stopped after epoch")
    listed.click()
    expect(again.get_by_text("goes on after the last finished epoch")).to_be_visible()
    expect(again.get_by_role("button", name="Resume on the Train page")).to_be_visible()
    again.get_by_role("tab", name="Train").click()
    button(again, "Resume").click()
    expect(status).to_have_text(re.compile(r"^Epoch \d+ of 90"), timeout=TIMEOUT)
    button(again, "Stop").click()
    expect(status).to_have_text("Stopped; nothing of this training is kept.", timeout=TIMEOUT)
    again.get_by_role("tab", name="Runs").click()
    expect(listed).to_have_count(0)
