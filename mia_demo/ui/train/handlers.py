"""Event handlers of the Train page: train, pause, stop."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import gradio as gr

from mia_demo.errors import ConfigError
from mia_demo.recipes.classifiers import with_usual_start
from mia_demo.ui.boards.training_view import TrainingPresenter, TrainingView
from mia_demo.ui.engine.device_queue import Waiting
from mia_demo.ui.engine.engine import Engine
from mia_demo.ui.engine.jobs import Job
from mia_demo.ui.engine.own_room import make_room
from mia_demo.ui.engine.people_training import (
    Series,
    SeriesStep,
    plan_series,
    plan_three_lanes,
    series_work,
)
from mia_demo.ui.engine.sessions import SessionJobs
from mia_demo.ui.engine.training import TrainingPlan
from mia_demo.ui.engine.training_form import (
    FIRST_EPOCHS,
    FIRST_IMAGES,
    RECIPE,
    parse_training,
)
from mia_demo.ui.engine.training_speed import measured_training
from mia_demo.ui.shared.handler import (
    PAUSING,
    STOPPING,
    JobView,
    stop_job,
    stream,
    toasts,
    while_running,
)
from mia_demo.ui.train.own_classifiers import OwnClassifiers
from mia_demo.visitors.own_people import People

TRAINING_FRAME_SECONDS = 1 / 4
THREE = "Train all three lanes"


class TrainingJobView(JobView[SeriesStep]):
    """Board, buttons and list of own classifiers during a series of trainings."""

    unexpected = "The training failed unexpectedly; the server's log says why."

    def __init__(self, handlers: TrainHandlers, series: Series, session: str) -> None:
        self.handlers = handlers
        self.series = series
        self.session = session
        self.number = 0  # of the training on the board
        self.presenter = presenter_of(series, 0)
        self.newest = ""  # name of the finished classifier

    def first(self, job: Job[SeriesStep]) -> tuple[Any, ...]:
        return self.presenter.view.to_json(), *running_buttons(job), gr.skip()

    def show(self, update: SeriesStep | Waiting, job: Job[SeriesStep]) -> tuple[Any, ...]:
        if isinstance(update, Waiting):
            self.presenter.waiting(update)
        else:
            number, news = update
            if number != self.number:
                self.presenter, self.number = presenter_of(self.series, number), number
            self.presenter.update(news)
            if news.phase == "done" and number == len(self.series.plans) - 1:
                self.newest = news.name
        return self.presenter.view.to_json(), *running_buttons(job), gr.skip()

    def over(self, job: Job[SeriesStep]) -> tuple[Any, ...]:
        job.wait()
        if self.newest:
            self.handlers.series.pop(self.session, None)  # a late Stop discards nothing
            return self._idle(self.presenter.view)
        if self.session in self.handlers.given_up:
            self.series.discard()
            return self._idle(self.presenter.stopped())
        return self._idle(self.presenter.paused(), self.series)

    def failed(self, message: str) -> tuple[Any, ...]:
        board = self.presenter.failed(message)
        return board.to_json(), *idle_buttons(self.series), gr.skip()

    def _idle(self, board: TrainingView, unfinished: Series | None = None) -> tuple[Any, ...]:
        own = self.handlers.own.listed(self.series.people, self.newest)
        return board.to_json(), *idle_buttons(unfinished), own


class TrainHandlers:
    """Handlers that share one engine.

    Attributes:
        own: the finished classifiers.
        trainings: the running ones.
        series: by tab, the one that runs or is paused, for Stop to discard.
        given_up: tabs whose running training is to be discarded.
        busy: folders of running plans; each may be computed by one job at a time.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.own = OwnClassifiers(engine)
        self.trainings: SessionJobs[SeriesStep] = SessionJobs()
        self.series: dict[str, Series] = {}
        self.given_up: set[str] = set()
        self.busy: set[Path] = set()
        self._freed = threading.Condition()  # a plan is busy no more

    # -- training -----------------------------------------------------------------------------

    def start(self, request: gr.Request, key: str, *form: Any) -> Iterator[tuple[Any, ...]]:
        """The Start and Resume button: yields the board until the training is over."""
        yield from self._sitting(request, lambda: self._series(self.engine.people(key), *form))

    def start_three(self, request: gr.Request, key: str) -> Iterator[tuple[Any, ...]]:
        """The quick option for own people: trains positive, zero and negative."""
        own_people, demo = self.engine.own_people, self.engine.zoo
        yield from self._sitting(request, lambda: plan_three_lanes(own_people.open(key), demo))

    def _sitting(
        self, request: gr.Request, make: Callable[[], Series]
    ) -> Iterator[tuple[Any, ...]]:
        session = str(request.session_hash)
        with toasts():
            series = make()
            view = TrainingJobView(self, series, session)

        def start() -> Job[SeriesStep]:
            self._check_free(series)
            job = self._job(series)
            self.series[session] = series
            self.given_up.discard(session)
            return job

        yield from stream(self.trainings, request, start, view, interval=TRAINING_FRAME_SECONDS)

    def stop(self, request: gr.Request) -> tuple[Any, ...]:
        """The Stop button: discards a running or paused training."""
        session = str(request.session_hash)
        if self.trainings.job_of(session) is not None:
            self.given_up.add(session)
            stop_job(self.trainings, request)
            return (gr.skip(),) * 5
        series = self.series.pop(session, None)
        if series is None:
            return gr.skip(), *idle_buttons()
        for plan in series.plans:
            if plan.folder not in self.busy:
                plan.discard()
        return presenter_of(series, 0).stopped().to_json(), *idle_buttons()

    def is_free(self, plan: TrainingPlan, timeout: float) -> bool:
        """Whether no job computes a plan, within ``timeout`` seconds."""
        with self._freed:
            return self._freed.wait_for(lambda: plan.folder not in self.busy, timeout)

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
            images: photos per person to train on.
            epochs: how often each photo is seen.
            schedule: of a negative factor; early, reference or at once.
            architecture: compact_resnet, resnet18 or compact_densenet.
            learning_rate: of Adam at the start.
            seed: same seed, same classifier.

        Returns:
            The board with all curves; in the last one ``name`` is the lane for ``/attack``.
        """
        with toasts():
            form = (alpha, images, epochs, schedule, architecture, learning_rate, seed)
            series = self._series(self.engine.embedded, *form)
            self._check_free(series)
            presenter = presenter_of(series, 0)
            job = self._job(series)
            for update in job.updates(TRAINING_FRAME_SECONDS):
                if isinstance(update, Waiting):
                    yield {**presenter.waiting(update).to_json(), "name": ""}
                else:
                    yield {**presenter.update(update[1]).to_json(), "name": update[1].name}

    def api_delete(self, name: str) -> list[str]:
        """Deletes a classifier that was trained here.

        Args:
            name: of its lane.

        Returns:
            The lanes that are left.
        """
        with toasts():
            self.engine.delete_target(name)
        return self.engine.zoo.target_names()

    # -----------------------------------------------------------------------------------------

    def _series(self, people: People, *form: Any) -> Series:
        config, images = parse_training(*form)
        config = with_usual_start(config, self.engine.zoo)
        if people is self.engine.embedded:
            make_room(self.engine)
        return plan_series(people, self.engine.runs, config, images)

    def _check_free(self, series: Series) -> None:
        if any(plan.folder in self.busy for plan in series.plans):
            raise ConfigError(
                "Exactly this training is running already; change a setting, such as the seed."
            )

    def _job(self, series: Series) -> Job[SeriesStep]:
        return self.engine.shared(lambda: self._work(series), "a training")

    def _work(self, series: Series) -> Generator[SeriesStep, None, None]:
        self._check_free(series)
        folders = {plan.folder for plan in series.plans}
        self.busy |= folders
        try:
            with closing(series_work(series, self.engine)) as steps:
                yield from measured_training(steps, series, self.engine.speed)
        finally:
            with self._freed:
                self.busy -= folders
                self._freed.notify_all()


def presenter_of(series: Series, number: int) -> TrainingPresenter:
    pages = "Attack page" if series.people.key else "Attack, Compare and Line-up pages"
    return TrainingPresenter(series.plans[number], place=series.place(number), pages=pages)


def running_buttons(job: Job[Any]) -> tuple[Any, Any, Any, Any]:
    """Start, pause, stop and the quick option during a job."""
    return (
        gr.update(interactive=False),
        while_running("Pause", PAUSING, job),
        while_running("Stop", STOPPING, job),
        gr.update(interactive=False),
    )


def idle_buttons(unfinished: Series | None = None) -> tuple[Any, Any, Any, Any]:
    """These buttons when nothing runs; an unfinished training can be resumed or discarded."""
    is_paused = unfinished is not None
    is_three = unfinished is not None and unfinished.is_three
    return (
        gr.update(interactive=True, value="Resume" if is_paused and not is_three else "Start"),
        gr.update(interactive=False, value="Pause"),
        gr.update(interactive=is_paused, value="Stop"),
        gr.update(interactive=True, value=f"Resume: {THREE.lower()}" if is_three else THREE),
    )
