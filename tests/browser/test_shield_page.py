"""The board of defences and attacks as a visitor meets it."""

from __future__ import annotations

import re
from collections.abc import Callable

from playwright.sync_api import Page, expect

from mia_demo.attack.named import TITLES
from mia_demo.sweep.board import recorded_board
from mia_demo.zoo.folder import EMBEDDED_ZOO, FolderZoo
from tests.browser.conftest import shown_controls
from tests.browser.test_attack_page import settings, violations

OpenPage = Callable[..., Page]


def test_from_a_figure_to_its_pictures_and_the_attack_behind_it(open_page: OpenPage) -> None:
    _, rows = recorded_board(FolderZoo(EMBEDDED_ZOO))
    page = open_page(query="tab=shield")
    board = page.get_by_role("grid")
    cells = board.get_by_role("gridcell")
    expect(cells.locator("b")).to_have_count(sum(len(row.cells) for row in rows))
    assert shown_controls(page) <= 16
    for layer, label in (("convinced_but_wrong", "Convinced but wrong"), ("acc1", "Evaluator")):
        page.get_by_label(label).check()
        shares = [getattr(cell, layer).value for row in rows for cell in row.cells.values()]
        expect(cells.locator("b")).to_have_text([f"{share:.0%}" for share in shares])

    # One stop of the Tab key; arrows move inside, Enter opens.
    cells.first.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    lane, second = rows[0].lane, list(rows[0].cells)[1]
    pictures = page.get_by_role("region", name=f"{lane} under {TITLES[second]}")
    expect(pictures.get_by_role("listitem")).to_have_count(len(rows[0].cells[second].identities))
    expect(board.locator("[tabindex='0']")).to_have_attribute("data-attack", second)
    assert violations(page) == []

    lane = rows[-1].lane  # of another defence: attacked by name alone
    board.locator(f"[data-lane={lane}][data-attack=taa]").click()
    pictures = page.get_by_role("region", name=f"{lane} under TAA")
    pictures.get_by_role("combobox", name="Identity").select_option("3")
    pictures.get_by_role("button", name="Run this live").click()
    expect(page.get_by_role("tab", name="Attack")).to_have_attribute("aria-selected", "true")
    expect(page).to_have_url(re.compile(f"identity=3&.*lanes={lane}&.*views=transforms&copies=8"))
    settings(page)
    expect(page.get_by_role("checkbox", name=lane)).to_be_checked()
    expect(page.get_by_role("checkbox", name="zero")).not_to_be_checked()
    attack = page.get_by_role("combobox", name="Attack")
    expect(attack).to_have_value("Averaged gradient: TAA")

    attack.click()
    page.get_by_role("option", name="Gradient: temperature").click()
    slider = page.get_by_role("slider", name="Temperature T")
    expect(slider).to_have_value("100")
    expect(page).to_have_url(re.compile("^(?!.*views=).*temperature=100"))
    slider.fill("50")
    expect(attack).to_have_value("")

    page.get_by_role("tab", name="Shield").click()
    pictures.get_by_role("button", name="Line-up from this cell").click()
    page.get_by_role("button", name="Rounds, seed, lanes").click()
    expect(page.get_by_role("combobox", name="Pictures")).to_have_value(
        f"Recorded: {lane} under TAA"
    )
