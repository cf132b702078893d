"""How long a run would take, from what was measured."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from mia_demo.attack.config import AttackConfig, preset_config
from mia_demo.attack.frames import AttackFrame, LaneFrame
from mia_demo.system.device import choose_compute
from mia_demo.ui.engine.engine import EMBEDDED, Engine
from mia_demo.ui.engine.speed import SpeedMeter, measured, spoken
from mia_demo.ui.shared.estimates import MEASURING, UNKNOWN, Estimates, line
from mia_demo.ui.shared.forms import preset_values
from mia_demo.zoo.folder import EMBEDDED_ZOO, FolderZoo

LANES = ["positive", "zero", "negative"]


def fast_meter() -> SpeedMeter:
    """A device that needs 0.1 s for a step, and 0.01 s more for each candidate in it."""
    meter = SpeedMeter()
    for candidates in (1, 24):
        meter.note("step", candidates, 0.1 + 0.01 * candidates)
    meter.note("selection", 100, 1.0)
    return meter


def test_an_attack_takes_its_steps_and_the_selection() -> None:
    config = AttackConfig(lanes=("zero",), candidates=10, steps=50, selection_rounds=20)
    assert fast_meter().attack_seconds(config) == pytest.approx(50 * 0.2 + 2.0)
    # Candidates that do not fit into one batch wait their turn.
    config = replace(config, batch_size=4)
    assert fast_meter().attack_seconds(config) == pytest.approx(50 * (0.14 + 0.14 + 0.12) + 2.0)


def test_nothing_is_said_before_something_was_measured() -> None:
    assert SpeedMeter().attack_seconds(AttackConfig()) is None


def test_one_slow_step_does_not_spoil_the_estimate() -> None:
    meter = SpeedMeter()
    for seconds in (0.1, 9.0, 0.1, 0.1, 0.1):
        meter.note("step", 24, seconds)
    assert meter.seconds("step", 24) == pytest.approx(0.1)


def test_the_frames_of_an_attack_are_measured() -> None:
    config = preset_config("quick", lanes=("zero",))
    lane = LaneFrame("zero", 0.0, 1.0, None, (0.5,), 0, (0,), (0.5,), 0.0, 0.0, None)  # type: ignore[arg-type]
    frames = [
        AttackFrame("sampling", 1, 1, 1.0, (lane,)),
        AttackFrame("optimisation", 1, 40, 1.9, (lane,)),  # with the set-up, so not counted
        AttackFrame("optimisation", 2, 40, 2.0, (lane,)),
        AttackFrame("selection", 1, 1, 2.0, (lane,)),
        AttackFrame("done", 1, 1, 2.5, (lane,)),
    ]
    meter = SpeedMeter()
    assert list(measured(frames, config, meter)) == frames
    assert meter.seconds("step", 8) == pytest.approx(0.1)
    assert meter.seconds("selection", 8 * 16) == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.4, "less than a second"),
        (12.3, "about 12 s"),
        (200, "about 3 min"),
        (9000, "about 2.5 h"),
    ],
)
def test_estimates_in_words(seconds: float, words: str) -> None:
    assert spoken(seconds) == words


def test_the_forms_of_all_pages(tmp_path: Path) -> None:
    engine = Engine(FolderZoo(EMBEDDED_ZOO), choose_compute("cpu"), tmp_path)
    estimates, quick = Estimates(engine), preset_values("quick")
    assert UNKNOWN in estimates.for_attack("quick", LANES, *quick)
    engine.speed = fast_meter()
    assert "About 17 s on this device." in estimates.for_attack("quick", LANES, *quick)
    assert estimates.for_attack("quick", [], *quick) == line("")  # Start says what is wrong
    assert "10 attacks: about 3 min" in estimates.for_sweep("0-4", "0,1", "quick", LANES, *quick)
    # An architecture that was never trained here is measured on a few batches.
    form = (EMBEDDED, -0.05, 1, 1, "early", "compact_resnet", 0.001, 0)
    *_, last = list(estimates.for_training(*form))
    assert "on this device." in last
    assert len(list(estimates.for_training(*form))) == 1
    assert MEASURING not in last
