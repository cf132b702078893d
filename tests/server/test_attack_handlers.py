"""The Attack page's buttons pressed in unusual order."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import gradio as gr
import pytest

from mia_demo.attack.frames import AttackFrame
from mia_demo.runs.replay import Replay
from mia_demo.system.device import choose_compute
from mia_demo.ui.attack.handlers import ENDED, AttackHandlers
from mia_demo.ui.engine import sessions
from mia_demo.ui.engine.device_queue import Ticket
from mia_demo.ui.engine.engine import EMBEDDED, Engine
from mia_demo.ui.shared.forms import preset_values
from tests.server.visits import visit
from tests.tiny_zoo import make_tiny_zoo


def test_a_choice_that_arrives_after_start_ends_no_attack_on_that_identity(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A link's identity is chosen by an event of its own, which Start may overtake."""
    monkeypatch.setattr(sessions, "READER_SECONDS", 0)  # its reader is this test
    engine = Engine(make_tiny_zoo(tmp_path / "zoo"), choose_compute("cpu"), tmp_path / "runs")
    handlers, me = AttackHandlers(engine), visit()
    engine.device.draw(Ticket("an attack"))  # so that ours waits
    started = handlers.start(me, EMBEDDED, 1, "quick", 0, ["zero"], *preset_values("quick"))
    next(started)
    job = engine.attacks.job_of("a")
    assert job is not None
    assert all(value == gr.skip() for value in handlers.choose(1, EMBEDDED, me))
    assert not job.stopped
    board, *_ = handlers.choose(2, EMBEDDED, me)
    assert job.stopped
    assert board["status"].startswith(ENDED)
    started.close()


def test_an_attack_that_the_board_calls_done_is_among_the_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = Engine(make_tiny_zoo(tmp_path / "zoo"), choose_compute("cpu"), tmp_path / "runs")
    may_be_saved, keep = threading.Event(), engine.kept.keep

    def slow_keep(report: dict[str, Any], frame: AttackFrame, recording: Replay) -> str:
        may_be_saved.wait(30)
        return keep(report, frame, recording)

    monkeypatch.setattr(engine.kept, "keep", slow_keep)
    handlers = AttackHandlers(engine)
    knobs = preset_values("quick")
    for board, *_ in handlers.start(visit(), EMBEDDED, 1, "quick", 0, ["zero"], *knobs):
        if board["status"].startswith("Done"):  # its pictures are there
            may_be_saved.set()
        if board["phase"] == "done":
            assert len(engine.kept.attacks()) == 1
    assert board["phase"] == "done"
