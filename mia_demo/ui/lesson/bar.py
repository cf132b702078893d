"""The lesson: a bar above all pages that leads through them step by step."""

import logging
from typing import Any

import gradio as gr

from mia_demo.attack.named import attack_name, attack_words
from mia_demo.errors import ConfigError, DataError
from mia_demo.lesson.figures import Figures, OwnAttack
from mia_demo.lesson.steps import Reveal, steps_with
from mia_demo.lesson.worksheet import worksheet
from mia_demo.sweep.library import ResultsLibrary
from mia_demo.ui.engine.engine import Engine
from mia_demo.ui.shared.address import AddressBook
from mia_demo.ui.shared.address_values import whole
from mia_demo.ui.shared.app_state import AppState
from mia_demo.ui.shared.components import component
from mia_demo.ui.shared.handler import JOB_EVENT

MAX_ADDRESS = 300  # letters, up to the question mark
SHOWN_PARTS = ("name", "title", "link", "do", "question", "choices")  # of a step

log = logging.getLogger(__name__)


class Lesson:
    """The lesson's steps on the existing pages, and the answers to their questions.

    Predictions stay in the browser; the server learns only which step is revealed.
    """

    def __init__(self, engine: Engine, address: AddressBook) -> None:
        self.engine = engine
        self.address = address
        self.library = ResultsLibrary(engine.zoo, engine.runs)
        self.steps = steps_with(list(address.pages))

    def reveal(self, bar: dict[str, Any], request: gr.Request) -> dict[str, Any]:
        """The answer to a step's question, with figures."""
        name = bar.get("ask")
        revealed = Reveal(None)
        if step := next((step for step in self.steps if step.name == name), None):
            try:
                revealed = step.reveal(self._figures(request))
            except DataError as error:
                log.warning("%s", error)
                revealed = Reveal(None, str(error))
        return {"revealed": {"name": name, **vars(revealed)}}

    def go(self, bar: dict[str, Any], *people: str) -> list[Any]:
        """A step's link was followed; ``people`` as ``AddressBook.go`` needs them."""
        return self.address.go(str(bar.get("go", "")), people)

    def sheet(self, origin: str) -> str:
        """The worksheet, for the page at this address.

        Raises:
            ConfigError: no page has such an address.
        """
        if len(origin) > MAX_ADDRESS:
            raise ConfigError("The address of this page is too long for a worksheet.")
        return worksheet(self.steps, self._figures(None), origin)

    def _figures(self, request: gr.Request | None) -> Figures:
        own = None
        if request is not None:
            finished = self.engine.finished_attacks.get(str(request.session_hash))
            if finished is not None and finished.top1:
                config, seen = finished.config, finished.top1
                own = OwnAttack(config.identity, attack_name(config), attack_words(config), seen)
        return Figures(self.engine.zoo, self.library, own)


def build_lesson(app: AppState, address_bar: gr.HTML) -> None:
    """Adds the lesson's bar to the current Blocks; call it when all pages are built."""
    lesson = Lesson(app.engine, app.address)
    app.address.beside["lesson"] = whole(1, len(lesson.steps))
    bar = component(
        "lesson/lesson_bar",
        steps=[{part: getattr(step, part) for part in SHOWN_PARTS} for step in lesson.steps],
        server={"worksheet": lesson.sheet},
        elem_classes="lesson-bar",
    )
    bar.submit(lesson.reveal, bar, bar, **JOB_EVENT)
    bar.select(
        lesson.go,
        [bar, *app.address.whose()],
        app.address.outputs(app.tabs, address_bar),
        trigger_mode="always_last",  # for whoever turns two steps at once
        **JOB_EVENT,
    )
