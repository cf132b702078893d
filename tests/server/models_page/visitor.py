"""A visitor of the Models page: what the page shows, event by event."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gradio as gr

from mia_demo.ui.attack.handlers import AttackHandlers
from mia_demo.ui.engine.engine import EMBEDDED, Engine
from mia_demo.ui.models.handlers import ModelsHandlers
from mia_demo.ui.models.view import NOTHING
from mia_demo.ui.shared.forms import KNOBS, preset_values
from tests.server.visits import ABROAD, visit

LANES = ["positive", "zero", "negative"]
TINY = {"candidates": 1, "kept": 1, "steps": 1, "selection_rounds": 1, "pool_size": 20}
HOME, STRANGER = visit(), visit("tab", **ABROAD)


class Page:
    """What a visitor's page shows, event by event."""

    def __init__(self, handlers: ModelsHandlers, request: gr.Request) -> None:
        self.handlers = handlers
        self.request = request
        self.panel: dict[str, Any] = dict(NOTHING)
        self.people: Any = {"value": EMBEDDED}
        self.lanes: Any = {"value": LANES}
        self.seen: list[str] = []

    def load(self, address: str) -> None:
        self._follow(self.handlers.load(self.request, address, *self._form()))

    def upload(self, *files: Path) -> None:
        self._follow(self.handlers.upload(self.request, [str(f) for f in files], *self._form()))

    def remove(self, name: str) -> None:
        self.panel["chosen"] = name
        self._take(self.handlers.remove(*self._form(), self.request))

    @property
    def titles(self) -> list[str]:
        return [group["title"] for group in self.panel["groups"]]

    def names(self, group: int = 0) -> list[str]:
        return [item["name"] for item in self.panel["groups"][group]["items"]]

    def _form(self) -> tuple[Any, ...]:
        return self.panel, self.people["value"], self.lanes["value"], {}

    def _follow(self, events: Iterator[tuple[Any, ...]]) -> None:
        for event in events:
            *_, load, stop = event  # named in every frame, see ui/shared/handler.py
            assert load["interactive"] is not stop["interactive"]
            self._take(event)
            self.seen.append(self.panel["status"])

    def _take(self, event: tuple[Any, ...]) -> None:
        panel, people, lanes, *_ = event
        self.panel = panel
        # gr.skip() is an update without anything in it.
        self.people |= {k: v for k, v in people.items() if k in ("choices", "value")}
        self.lanes |= {k: v for k, v in lanes.items() if k in ("choices", "value")}


def attack(engine: Engine, request: gr.Request, key: str, *lanes: str) -> dict[str, Any]:
    """The last board of an attack by the form."""
    settings = zip(KNOBS, preset_values("quick"), strict=True)
    knobs = [TINY.get(knob.name, value) for knob, value in settings]
    boards = AttackHandlers(engine).start(request, key, 1, "quick", 0, list(lanes), *knobs)
    *_, (last, _, _) = boards
    return dict(last)


def works(engine: Engine) -> bool:
    """Whether the demo's own zoo goes on working."""
    return attack(engine, HOME, EMBEDDED, "zero")["phase"] == "done"
