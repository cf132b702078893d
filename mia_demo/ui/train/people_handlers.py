"""Event handlers for a visitor's own people: upload, delete, restore after a reload."""

from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import Any

import gradio as gr

from mia_demo.errors import ConfigError, DemoError
from mia_demo.ui.engine.engine import EMBEDDED, Engine
from mia_demo.ui.engine.training_speed import three_lanes_seconds
from mia_demo.ui.shared.handler import toasts, with_errors_told
from mia_demo.ui.shared.lanes import own_people_attacked, people_choices
from mia_demo.ui.train.handlers import TrainHandlers, idle_buttons, presenter_of
from mia_demo.ui.train.people_view import (
    NOBODY,
    duration,
    people_panel,
    reading,
    unfinished_words,
)
from mia_demo.visitors.own_people import OwnPeople

CONSENT = "I have the consent of everyone pictured, or the faces are synthetic."
MEASURING_TRAINING = "Measuring how fast this machine trains …"
UPLOAD_FAILED = "The upload failed unexpectedly; the server's log says why."
REPORTED = 20  # progress reports per upload
REST_UNCHANGED = (gr.skip(),) * 5  # all outputs but the panel


class PeopleHandlers:
    """Handlers that know the Train page's.

    Outputs: panel, upload form, the page's people, quick option, its estimate, and the Attack
    page's people; of ``delete`` the training board and its buttons, too.
    """

    def __init__(self, engine: Engine, training: TrainHandlers) -> None:
        self.engine = engine
        self.training = training

    def upload(
        self, path: str | None, has_consent: bool, request: gr.Request
    ) -> Iterator[tuple[Any, ...]]:
        """Reads, checks and stores a chosen zip, or refuses it with the reason."""
        yield from with_errors_told(
            self._upload(path, has_consent, request),
            lambda message: (reading(message), *REST_UNCHANGED),
            UPLOAD_FAILED,
        )

    def _upload(
        self, path: str | None, has_consent: bool, request: gr.Request
    ) -> Iterator[tuple[Any, ...]]:
        try:
            if path is None:
                raise ConfigError("No file arrived; choose a zip of folders again.")
            if not has_consent:
                raise ConfigError(
                    "Tick the line about consent first: photos of people need their consent."
                )
            yield reading("Reading the photos …", 0.0), *REST_UNCHANGED
            told = 0
            for news in self.engine.own_people.create(Path(path)):
                if isinstance(news, OwnPeople):
                    people = news
                elif int(news * REPORTED) > told:
                    told = int(news * REPORTED)
                    yield reading(f"Reading the photos, {news:.0%} …", news), *REST_UNCHANGED
            # At once: whoever has the key can delete them. How fast this machine trains is
            # measured when the page has it.
            yield self._shown(request, people, choose=True)
        finally:
            if path is not None:
                Path(path).unlink(missing_ok=True)

    def delete(self, panel: dict[str, Any], request: gr.Request) -> tuple[Any, ...]:
        """The confirmed Delete button: removes photos, classifiers and evaluator."""
        session = str(request.session_hash)
        with toasts():
            people = self.engine.own_people.open(str(panel.get("key", "")))
            series = self.training.series.get(session)
            training: tuple[Any, ...] = REST_UNCHANGED
            if series is not None and series.people.key == people.key:
                self.training.trainings.end(session)
                del self.training.series[session]
                training = presenter_of(series, 0).stopped().to_json(), *idle_buttons()
            self.engine.delete_people(people)
        status = "Deleted: photos, classifiers and evaluator."
        return *self._shown(request, None, status=status), *training

    def restore(self, key: str, request: gr.Request) -> tuple[Any, ...]:
        """The app is opened; the tab may remember the key of people uploaded before."""
        if not key:
            return self._shown(request, None)
        try:
            return self._shown(request, self.engine.own_people.open(key), choose=False)
        except DemoError as error:
            return self._shown(request, None, status=str(error))

    def choose(self, key: str) -> tuple[Any, ...]:
        """Other people to train on: their classifiers, photos, bars and quick option."""
        with toasts():
            people = self.engine.people(key)
        most = people.zoo.manifest.train_images
        is_own = isinstance(people, OwnPeople)
        images = gr.update(maximum=most, value=most) if is_own else gr.update(maximum=most)
        return (
            self.training.own.listed(people),
            images,
            gr.update(classes=len(people.identities)),
            gr.update(visible=is_own),
        )

    # -----------------------------------------------------------------------------------------

    def estimate(self, key: str) -> Any:
        """How long the quick option will take, once the speed of the machine is measured."""
        try:
            people = self.engine.people(key)
        except DemoError:
            return gr.skip()
        if not isinstance(people, OwnPeople):
            return gr.update(visible=False)
        try:
            seconds = three_lanes_seconds(self.engine, people)
        except DemoError:  # the queue is full
            seconds = None
        if seconds is None:
            return gr.update(visible=False)
        text = "Positive, zero and negative are trained."
        if seconds:
            judge = "" if people.has_evaluator else "the evaluator, then "
            text = (
                f"Trains {judge}positive, zero and negative: {duration(seconds)} on this machine."
            )
        return _told(text + unfinished_words(people))

    def _shown(
        self,
        request: gr.Request,
        people: OwnPeople | None,
        *,
        choose: bool = False,
        status: str = "",
    ) -> tuple[Any, ...]:
        if people is None:
            return (
                {**NOBODY, "status": status},
                gr.update(visible=True),
                gr.update(choices=people_choices(self.engine), value=EMBEDDED),
                gr.update(visible=False),
                gr.update(visible=False),
                own_people_attacked(self.engine, request, None),
            )
        chosen = {"value": people.key} if choose else {}
        return (
            people_panel(people),
            gr.update(visible=False),
            gr.update(choices=people_choices(self.engine, people), **chosen),
            *((gr.update(visible=True), _told(MEASURING_TRAINING)) if choose else (gr.skip(),) * 2),
            own_people_attacked(self.engine, request, people),
        )


def _told(text: str) -> Any:
    """The estimate of the quick option."""
    return gr.update(value=f"<p>{escape(text)}</p>", visible=True)
