"""Estimates of how long a run would take here, as sentences."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from html import escape
from typing import Any

import gradio as gr
from gradio.components import Component

from mia_demo.attack.config import AttackConfig, preset_config
from mia_demo.errors import DemoError
from mia_demo.ui.engine.engine import Engine
from mia_demo.ui.engine.line_up_dealing import LINE_UP_PRESET, MAX_AT_ONCE
from mia_demo.ui.engine.speed import spoken
from mia_demo.ui.engine.sweeping import plan_sweep
from mia_demo.ui.engine.training_form import parse_training
from mia_demo.ui.engine.training_speed import measure_training, training_seconds
from mia_demo.ui.shared.forms import parse_config, words
from mia_demo.ui.shared.handler import JOB_EVENT

MEASURING = "How long? The start-up is measuring this device …"
UNKNOWN = "How long is not known yet; the first attack measures this device."
MEASURING_PATIENCE_SECONDS = 120.0
MEASURING_POLL_SECONDS = 0.5


class Estimates:
    """Estimates for all pages' forms, from what the engine has measured."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def for_attack(self, preset: str, lanes: list[str], *knobs: Any) -> str:
        """For the Attack page's form; empty for settings that Start will refuse."""
        try:
            seconds = self.engine.speed.attack_seconds(parse_config(0, preset, 0, lanes, knobs))
        except DemoError:
            return line("")
        if seconds is None:
            return line(UNKNOWN)
        return line(f"{_capital(spoken(seconds))} on this device.")

    async def for_first_attack(
        self, preset: str, lanes: list[str], *knobs: Any
    ) -> AsyncIterator[str]:
        """``for_attack``, on a page opened while the device is still being measured."""
        until = time.monotonic() + MEASURING_PATIENCE_SECONDS
        if self._is_measuring():
            yield line(MEASURING)
        while self._is_measuring() and time.monotonic() < until:
            await asyncio.sleep(MEASURING_POLL_SECONDS)
        yield self.for_attack(preset, lanes, *knobs)

    def for_sweep(
        self, identities: str, seeds: str, preset: str, lanes: list[str], *knobs: Any
    ) -> str:
        """For the Compare page's form."""
        try:
            config = parse_config(0, preset, 0, lanes, knobs)
            plan = plan_sweep(self.engine, config, identities, seeds)
        except DemoError:
            return line("")
        finished = len(plan.finished())
        left = plan.total - finished
        seconds = self.engine.speed.attack_seconds(config)
        if seconds is None:
            return line(UNKNOWN)
        attacks = f"{left} attack{'' if left == 1 else 's'}"
        done = f" ({finished} more are done)" if finished else ""
        return line(f"{attacks}{done}: {spoken(left * seconds)} on this device, then the table.")

    def for_line_up(self, rounds: float | None, lanes: list[str]) -> str:
        """For the Line-up page's form: a round is an attack on one lane."""
        if not rounds or not 1 <= rounds <= MAX_AT_ONCE or not lanes:
            return line("")
        seconds = self.engine.speed.attack_seconds(preset_config(LINE_UP_PRESET, lanes=lanes[:1]))
        if seconds is None:
            return line(UNKNOWN)
        return line(
            f"{_capital(spoken(seconds))} per round on this device; the first appears while the "
            "others are computed."
        )

    def for_training(self, key: str, *form: Any) -> Iterator[str]:
        """For the Train page's form; an architecture that is new here is measured first."""
        try:
            config, images = parse_training(*form)
            people = self.engine.people(key)
            if training_seconds(self.engine, people, config, images) is None:
                yield line("How long? Measuring this device …")
                measure_training(self.engine, config)
        except DemoError:
            yield line("")
            return
        seconds = training_seconds(self.engine, people, config, images)
        yield line(UNKNOWN if seconds is None else f"{_capital(spoken(seconds))} on this device.")

    def _is_measuring(self) -> bool:
        seconds = self.engine.speed.attack_seconds(AttackConfig())
        return seconds is None and self.engine.is_warming_up


def estimate_line() -> gr.HTML:
    """Where a page says how long a run would take."""
    return words(line(""))


def follow_form(estimate: Any, form: Sequence[Component], output: gr.HTML, *others: Any) -> None:
    """Keeps an estimate up to date with its form.

    Args:
        others: further events after which it may have changed.
    """
    changes = [*(part.change for part in form), *others]
    gr.on(changes, estimate, list(form), output, trigger_mode="always_last", **JOB_EVENT)


def line(sentence: str) -> str:
    return f'<p class="estimate" aria-live="polite">{escape(sentence)}</p>'


def _capital(sentence: str) -> str:
    return sentence[0].upper() + sentence[1:]
