"""What happens on the Train page's events: train, pause, keep, hand out, delete."""

from __future__ import annotations

import base64
import logging
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import gradio as gr

from mia_demo.errors import ConfigError, DemoError
from mia_demo.ui.engine import Engine
from mia_demo.ui.estimates import measured_training
from mia_demo.ui.jobs import Job, Waiting
from mia_demo.ui.sessions import SessionJobs
from mia_demo.ui.training import TrainingPlan, TrainingUpdate, plan_training, training_work
from mia_demo.ui.training_form import (
    FIRST_EPOCHS,
    FIRST_IMAGES,
    RECIPE,
    parse_training,
)
from mia_demo.ui.training_view import TrainingPresenter, lane_choices, own_list

FRAME_SECONDS = 1 / 4
PART_BYTES = 3_000_000  # of a download, a multiple of 3: its base64 has no padding
PURPOSE = "a training"
UNEXPECTED = "The training failed unexpectedly; the server's log says why."

log = logging.getLogger(__name__)


class TrainHandlers:
    """Handlers that share one engine.

    Attributes:
        trainings: the running ones.
        plans: of every tab that trains or has paused, so that Stop knows what to forget.
        given_up: tabs whose running training is to leave nothing behind.
        busy: folders of the plans that are computed now, each by one job at a time.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.trainings: SessionJobs[TrainingUpdate] = SessionJobs()
        self.plans: dict[str, TrainingPlan] = {}
        self.given_up: set[str] = set()
        self.busy: set[Path] = set()

    # -- training -----------------------------------------------------------------------------

    def start(self, request: gr.Request, *form: Any) -> Iterator[tuple[Any, ...]]:
        """The start and resume button: the board until the training is over."""
        session = str(request.session_hash)
        try:
            plan = self._plan(*form)
            presenter = TrainingPresenter(plan)
            job = self.trainings.start(session, lambda: self._job(plan))
        except DemoError as error:
            raise _toast(str(error)) from error
        self.plans[session] = plan
        self.given_up.discard(session)
        try:
            yield presenter.view.to_json(), *_running_buttons(), gr.skip()
            for update in job.updates(FRAME_SECONDS):
                if isinstance(update, Waiting):
                    view = presenter.waiting(update)
                else:
                    view = presenter.update(update)
                    if update.phase == "done":
                        own = own_list(self.engine.zoo.own_entries(), newest=update.name)
                        yield view.to_json(), *_idle_buttons(), own
                        return
                yield view.to_json(), gr.skip(), gr.skip(), gr.skip(), gr.skip()
            if self.trainings.job_of(session) is not job:
                return  # another training has the board now
            job.wait()
            if session in self.given_up:
                plan.discard()
                yield presenter.stopped().to_json(), *_idle_buttons(), gr.skip()
            else:
                yield presenter.paused().to_json(), *_idle_buttons(plan), gr.skip()
        except DemoError as error:
            yield presenter.failed(str(error)).to_json(), *_idle_buttons(plan), gr.skip()
            raise _toast(str(error)) from error
        except Exception as error:
            log.exception("training failed")
            yield presenter.failed(UNEXPECTED).to_json(), *_idle_buttons(plan), gr.skip()
            raise _toast(UNEXPECTED) from error
        finally:
            self.trainings.release(session, job)

    def pause(self, request: gr.Request) -> Any:
        """The pause button: the job ends after its step, ``start`` says what is kept."""
        job = self.trainings.job_of(str(request.session_hash))
        if job is None:
            return gr.skip()
        job.stop()
        return gr.update(interactive=False, value="Pausing …")

    def stop(self, request: gr.Request) -> tuple[Any, ...]:
        """The stop button: of a running or paused training, nothing stays."""
        session = str(request.session_hash)
        job = self.trainings.job_of(session)
        if job is not None:
            self.given_up.add(session)
            job.stop()
            return gr.skip(), gr.skip(), gr.skip(), gr.update(interactive=False, value="Stopping …")
        plan = self.plans.pop(session, None)
        if plan is None:
            return (gr.skip(),) * 4
        if plan.folder not in self.busy:
            plan.discard()
        return TrainingPresenter(plan).stopped().to_json(), *_idle_buttons()

    # -- own classifiers ----------------------------------------------------------------------

    def open(self) -> tuple[Any, ...]:
        """A fresh page: the list, and the lanes to choose from on the other two pages."""
        lanes = gr.update(choices=self._choices())
        return own_list(self.engine.zoo.own_entries()), lanes, lanes

    def delete(self, own: dict[str, Any]) -> dict[str, Any]:
        """The confirmed delete button of a list entry."""
        try:
            self.engine.delete_target(str(own.get("chosen", "")))
        except DemoError as error:
            raise _toast(str(error)) from error
        return own_list(self.engine.zoo.own_entries())

    def lanes(self, own: dict[str, Any], *chosen: list[str]) -> list[Any]:
        """Lanes of the other pages after a training or a deletion; a new one is ticked."""
        choices = self._choices()
        names = [name for _, name in choices]
        newest = own.get("newest", "")
        return [
            gr.update(
                choices=choices,
                value=[name for name in names if name in ticked or name == newest],
            )
            for ticked in chosen
        ]

    def read_part(self, name: str, offset: int) -> dict[str, str]:
        """A part of a classifier's file as base64, or the error that prevents it."""
        zoo = self.engine.zoo
        try:
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
            plan = self._plan(alpha, images, epochs, schedule, architecture, learning_rate, seed)
            presenter = TrainingPresenter(plan)
            job = self._job(plan)
            for update in job.updates(FRAME_SECONDS):
                if isinstance(update, Waiting):
                    yield {**presenter.waiting(update).to_json(), "name": ""}
                else:
                    yield {**presenter.update(update).to_json(), "name": update.name}
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

    def _plan(self, *form: Any) -> TrainingPlan:
        config, images = parse_training(*form)
        plan = plan_training(self.engine.zoo, self.engine.runs, config, images)
        self._check_free(plan)
        return plan

    def _check_free(self, plan: TrainingPlan) -> None:
        if plan.folder in self.busy:
            raise ConfigError(
                "Exactly this training is running already; change a setting, such as the seed."
            )

    def _job(self, plan: TrainingPlan) -> Job[TrainingUpdate]:
        return self.engine.shared(lambda: self._work(plan), PURPOSE)

    def _work(self, plan: TrainingPlan) -> Generator[TrainingUpdate, None, None]:
        self._check_free(plan)
        self.busy.add(plan.folder)
        try:
            updates = training_work(plan, self.engine.zoo, self.engine.compute)
            yield from measured_training(updates, plan.config, self.engine.speed)
        finally:
            self.busy.discard(plan.folder)

    def _choices(self) -> list[tuple[str, str]]:
        zoo = self.engine.zoo
        return lane_choices(zoo.target_names(), zoo.own_entries())


def _running_buttons() -> tuple[Any, Any, Any]:
    """Start, pause, stop."""
    return (
        gr.update(interactive=False),
        gr.update(interactive=True, value="Pause"),
        gr.update(interactive=True, value="Stop"),
    )


def _idle_buttons(unfinished: TrainingPlan | None = None) -> tuple[Any, Any, Any]:
    """The same when nothing runs; an unfinished training can be gone on with or given up."""
    is_paused = unfinished is not None
    return (
        gr.update(interactive=True, value="Resume" if is_paused else "Start"),
        gr.update(interactive=False, value="Pause"),
        gr.update(interactive=is_paused, value="Stop"),
    )


def _toast(message: str) -> gr.Error:
    """One message for the visitor, and no traceback in the server's log for a visitor's slip."""
    return gr.Error(message, print_exception=False)
