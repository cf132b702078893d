"""What happens on the Train page's events: train, pause, keep, hand out, delete."""

from __future__ import annotations

import base64
import logging
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import gradio as gr

from mia_demo.errors import ConfigError, DemoError
from mia_demo.recipes.classifiers import with_usual_start
from mia_demo.ui.boards.training_view import TrainingPresenter, lane_choices, own_list
from mia_demo.ui.engine.engine import EMBEDDED, Engine
from mia_demo.ui.engine.jobs import Job, Waiting
from mia_demo.ui.engine.people_training import (
    Series,
    Step,
    plan_series,
    plan_three_lanes,
    series_work,
)
from mia_demo.ui.engine.sessions import SessionJobs
from mia_demo.ui.engine.training_form import (
    FIRST_EPOCHS,
    FIRST_IMAGES,
    RECIPE,
    parse_training,
)
from mia_demo.ui.shared.estimates import measured_training
from mia_demo.ui.shared.model_access import MAX_LANES, attack_lanes
from mia_demo.ui.shared.train_updates import attackable, idle_buttons, running_buttons, ticked_lanes
from mia_demo.visitors.own_people import People

FRAME_SECONDS = 1 / 4
PART_BYTES = 3_000_000  # of a download, a multiple of 3: its base64 has no padding
PURPOSE = "a training"
UNEXPECTED = "The training failed unexpectedly; the server's log says why."

log = logging.getLogger(__name__)


class TrainHandlers:
    """Handlers that share one engine.

    Attributes:
        trainings: the running ones.
        series: of every tab that trains or has paused, so that Stop knows what to forget.
        given_up: tabs whose running training is to leave nothing behind.
        busy: folders of the plans that are computed now, each by one job at a time.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.trainings: SessionJobs[Step] = SessionJobs()
        self.series: dict[str, Series] = {}
        self.given_up: set[str] = set()
        self.busy: set[Path] = set()

    # -- training -----------------------------------------------------------------------------

    def start(self, request: gr.Request, key: str, *form: Any) -> Iterator[tuple[Any, ...]]:
        """The start and resume button: the board until the training is over."""
        yield from self._sitting(request, lambda: self._series(self.engine.people(key), *form))

    def start_three(self, request: gr.Request, key: str) -> Iterator[tuple[Any, ...]]:
        """The quick option of own people: positive, zero and negative one after the other."""
        yield from self._sitting(request, lambda: self._three(key))

    def _sitting(
        self, request: gr.Request, make: Callable[[], Series]
    ) -> Iterator[tuple[Any, ...]]:
        session = str(request.session_hash)
        try:
            series = make()
            presenter = _presenter(series, 0)
            job = self.trainings.start(session, lambda: self._job(series))
        except DemoError as error:
            raise _toast(str(error)) from error
        self.series[session] = series
        self.given_up.discard(session)
        shown = 0  # number of the training that the board shows
        try:
            yield presenter.view.to_json(), *running_buttons(job), gr.skip()
            for update in job.updates(FRAME_SECONDS):
                if isinstance(update, Waiting):
                    view = presenter.waiting(update)
                else:
                    number, news = update
                    if number != shown:
                        presenter, shown = _presenter(series, number), number
                    view = presenter.update(news)
                    if news.phase == "done" and number == len(series.plans) - 1:
                        yield view.to_json(), *idle_buttons(), self._list(series, news.name)
                        return
                yield view.to_json(), *running_buttons(job), gr.skip()
            if self.trainings.job_of(session) is not job:
                return  # another training has the board now
            job.wait()
            if session in self.given_up:
                series.discard()
                yield presenter.stopped().to_json(), *idle_buttons(), self._list(series)
            else:
                yield presenter.paused().to_json(), *idle_buttons(series), self._list(series)
        except DemoError as error:
            yield presenter.failed(str(error)).to_json(), *idle_buttons(series), gr.skip()
            raise _toast(str(error)) from error
        except Exception as error:
            log.exception("training failed")
            yield presenter.failed(UNEXPECTED).to_json(), *idle_buttons(series), gr.skip()
            raise _toast(UNEXPECTED) from error
        finally:
            self.trainings.release(session, job)

    def pause(self, request: gr.Request) -> Any:
        """The pause button: the job ends after its step, ``start`` says what is kept."""
        job = self.trainings.job_of(str(request.session_hash))
        if job is None:
            return gr.update(interactive=False, value="Pause")
        job.stop()
        return gr.skip()

    def stop(self, request: gr.Request) -> tuple[Any, ...]:
        """The stop button: of a running or paused training, nothing stays."""
        session = str(request.session_hash)
        job = self.trainings.job_of(session)
        if job is not None:
            self.given_up.add(session)
            job.stop()
            return (gr.skip(),) * 5
        series = self.series.pop(session, None)
        if series is None:
            return gr.skip(), *idle_buttons()
        for plan in series.plans:
            if plan.folder not in self.busy:
                plan.discard()
        return _presenter(series, 0).stopped().to_json(), *idle_buttons()

    # -- own classifiers ----------------------------------------------------------------------

    def open(self, request: gr.Request) -> tuple[Any, ...]:
        """A fresh page: the list, and the lanes to choose from on the other three pages."""
        lanes = gr.update(choices=self._choices())
        attacked = gr.update(choices=attack_lanes(self.engine, request, self.engine.embedded))
        return own_list(self.engine.zoo.own_entries()), attacked, lanes, lanes

    def delete(self, own: dict[str, Any]) -> dict[str, Any]:
        """The confirmed delete button of a list entry."""
        try:
            people = self.engine.people(str(own.get("people", EMBEDDED)))
            self.engine.delete_target(str(own.get("chosen", "")), people)
        except DemoError as error:
            raise _toast(str(error)) from error
        return own_list(people.zoo.own_entries(), people=people.key or EMBEDDED)

    def lanes(
        self, request: gr.Request, own: dict[str, Any], attacked: str, *chosen: list[str]
    ) -> list[Any]:
        """Lanes and people of the other pages after a training or a deletion.

        Args:
            own: the list; its newest lane is ticked.
            attacked: key of the people that the Attack page shows.
            chosen: lanes ticked on the Attack page, then on each other page with a choice of them.

        Returns:
            Updates of the Attack page's people, then of each page's lanes.
        """
        key = str(own.get("people", EMBEDDED))
        newest = str(own.get("newest", ""))
        if key == EMBEDDED:
            updates = [ticked_lanes(self._choices(), lanes, newest) for lanes in chosen[1:]]
            return [gr.skip(), self._attack_lanes(request, attacked, chosen[0], newest), *updates]
        elsewhere = [gr.skip()] * (len(chosen) - 1)  # own people are attacked, and nothing more
        try:
            people = self.engine.own_people.open(key)
        except DemoError as error:
            raise _toast(str(error)) from error
        zoo = people.zoo
        if attacked == key and zoo.target_names():
            choices = lane_choices(zoo.target_names(), zoo.own_entries())
            return [gr.skip(), ticked_lanes(choices, chosen[0], newest), *elsewhere]
        # The Attack page changes its lanes with its people.
        shown = attackable(self.engine, request, people, show=bool(newest))
        return [shown, gr.skip(), *elsewhere]

    def read_part(self, key: str, name: str, offset: int) -> dict[str, str]:
        """A part of a classifier's file as base64, or the error that prevents it."""
        try:
            zoo = self.engine.people(key).zoo
            entry = next((e for e in zoo.own_entries() if e.name == name), None)
            if entry is None:
                raise ConfigError(f"There is no classifier {name!r} of your own; reload the page.")
            with zoo.verified_path(entry.stored).open("rb") as file:
                file.seek(max(0, int(offset)))
                return {"part": base64.b64encode(file.read(PART_BYTES)).decode()}
        except (DemoError, OSError) as error:
            return {"error": str(error)}

    # -- for programs -------------------------------------------------------------------------

    def api_train(
        self,
        alpha: float,
        images: int = FIRST_IMAGES,
        epochs: int = FIRST_EPOCHS,
        schedule: str = "early",
        architecture: str = RECIPE.architecture,
        learning_rate: float = RECIPE.learning_rate,
        seed: int = RECIPE.seed,
    ) -> Iterator[dict[str, Any]]:
        """Trains a classifier with any smoothing factor and streams the training's progress.

        Args:
            alpha: smoothing factor, -0.2 to 0.5.
            images: photos of each person to train on.
            epochs: how often each photo is seen.
            schedule: of a negative factor: early, reference or at once.
            architecture: compact_resnet, resnet18 or compact_densenet.
            learning_rate: of Adam at the start.
            seed: same seed, same classifier.

        Returns:
            The board with all curves; in the last one ``name`` is the lane for ``/attack``.
        """
        try:
            form = (alpha, images, epochs, schedule, architecture, learning_rate, seed)
            series = self._series(self.engine.embedded, *form)
            presenter = _presenter(series, 0)
            job = self._job(series)
            for update in job.updates(FRAME_SECONDS):
                if isinstance(update, Waiting):
                    yield {**presenter.waiting(update).to_json(), "name": ""}
                else:
                    yield {**presenter.update(update[1]).to_json(), "name": update[1].name}
        except DemoError as error:
            raise _toast(str(error)) from error

    def api_delete(self, name: str) -> list[str]:
        """Deletes a classifier that was trained here.

        Args:
            name: of its lane.

        Returns:
            The lanes that are left.
        """
        try:
            self.engine.delete_target(name)
        except DemoError as error:
            raise _toast(str(error)) from error
        return self.engine.zoo.target_names()

    # -----------------------------------------------------------------------------------------

    def _series(self, people: People, *form: Any) -> Series:
        config, images = parse_training(*form)
        config = with_usual_start(config, self.engine.zoo)
        series = plan_series(people, self.engine.runs, config, images)
        self._check_free(series)
        return series

    def _three(self, key: str) -> Series:
        series = plan_three_lanes(self.engine.own_people.open(key), self.engine.zoo)
        self._check_free(series)
        return series

    def _check_free(self, series: Series) -> None:
        if any(plan.folder in self.busy for plan in series.plans):
            raise ConfigError(
                "Exactly this training is running already; change a setting, such as the seed."
            )

    def _job(self, series: Series) -> Job[Step]:
        return self.engine.shared(lambda: self._work(series), PURPOSE)

    def _work(self, series: Series) -> Generator[Step, None, None]:
        self._check_free(series)
        folders = {plan.folder for plan in series.plans}
        self.busy |= folders
        try:
            with closing(series_work(series, self.engine)) as steps:
                yield from measured_training(steps, series, self.engine.speed)
        finally:
            self.busy -= folders

    def _list(self, series: Series, newest: str = "") -> dict[str, Any]:
        people = series.people
        return own_list(people.zoo.own_entries(), newest=newest, people=people.key or EMBEDDED)

    def _attack_lanes(
        self, request: gr.Request, attacked: str, ticked: list[str], newest: str
    ) -> Any:
        if attacked != EMBEDDED:
            return gr.skip()
        choices = attack_lanes(self.engine, request, self.engine.embedded)
        return ticked_lanes(choices, ticked, newest, most=MAX_LANES)

    def _choices(self) -> list[tuple[str, str]]:
        zoo = self.engine.zoo
        return lane_choices(zoo.target_names(), zoo.own_entries())


def _presenter(series: Series, number: int) -> TrainingPresenter:
    pages = "Attack page" if series.people.key else "Attack, Compare and Line-up pages"
    return TrainingPresenter(series.plans[number], place=series.place(number), pages=pages)


def _toast(message: str) -> gr.Error:
    """One message for the visitor, and no traceback in the server's log for a visitor's slip."""
    return gr.Error(message, print_exception=False)
