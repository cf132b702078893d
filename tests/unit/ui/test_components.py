"""Components are put together from their files and those that their scripts use."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import gradio as gr
import pytest

from mia_demo.errors import ConfigError
from mia_demo.ui.shared.checked_blocks import CheckedBlocks
from mia_demo.ui.shared.components import UI, USES, component, script


def test_scripts_use_what_exists() -> None:
    for path in UI.rglob("*.js"):
        for line in USES.findall(path.read_text("utf-8")):
            for part in line.split():
                assert (UI / f"{part}.js").exists(), f"{path} uses {part}"


def test_parts_come_once_and_before_what_uses_them() -> None:
    text = script("line_up/line_up_board")
    starts = [text.index(f"function {name}(") for name in ("make", "look", "showRoom", "showRound")]
    assert starts == sorted(starts)
    assert text.count("function make(") == 1
    assert "// uses" not in text


def test_a_part_brings_its_html_and_css() -> None:
    board = component("boards/attack_board", name="attack")
    assert '<div class="player ' in board.html_template
    assert "<!-- boards/replay_player -->" not in board.html_template
    assert ".player {" in board.css_template
    assert board.value == {}


@pytest.mark.parametrize(("sent", "answer"), [([1, 2], {"sum": 3}), ([1, -1], {"error": "Zero."})])
def test_the_server_answers_a_script(sent: list[int], answer: dict[str, Any]) -> None:
    def add(one: int, other: int) -> dict[str, int]:
        if one + other == 0:
            raise ConfigError("Zero.")
        return {"sum": one + other}

    saver = component("runs/file_saver", server={"add": add})
    assert saver.add(sent) == answer  # Gradio hands several arguments over as one list


@pytest.mark.parametrize(
    ("answer", "sent"), [(gr.skip(), {}), (gr.update(name="other"), {"props": {"name": "other"}})]
)
def test_an_update_leaves_a_component_its_properties(
    answer: dict[str, Any], sent: dict[str, Any]
) -> None:
    with CheckedBlocks() as app:
        table = component("compare/results_table", name="figures")
        app.load(lambda: answer, None, table)
    answered = app.process_api(0, [], state=gr.state_holder.SessionState(app))
    with ThreadPoolExecutor() as thread:  # pytest's own may run a loop, for the browser's tests
        result = thread.submit(asyncio.run, answered).result()
    assert result["data"] == [{"__type__": "update", **sent}]
