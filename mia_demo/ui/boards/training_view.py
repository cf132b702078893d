"""What the Train page shows of a training and of its results, as plain JSON."""

import math
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from mia_demo.report.columns import against_text, alpha_text, fixed, percent
from mia_demo.runs.names import RunNames
from mia_demo.runs.training_run import TrainingRun
from mia_demo.smoothing import alpha_at_epoch
from mia_demo.system.json_files import read_json
from mia_demo.training.logits import LogitHistogram
from mia_demo.ui.boards.sweep_view import resumed_by
from mia_demo.ui.engine.device_queue import Waiting
from mia_demo.ui.engine.engine import EMBEDDED
from mia_demo.ui.engine.training import Epoch, TrainingPlan, TrainingUpdate
from mia_demo.ui.engine.training_form import ARCHITECTURES
from mia_demo.zoo.manifest import CheckpointEntry

TRAINING_ANNOUNCE_SECONDS = 5.0  # screen readers should hear an epoch, not every step


@dataclass(frozen=True)
class TrainingView:
    """The board of the Train page. Lists have one element per finished epoch.

    Attributes:
        phase: ready, waiting, reading, training, paused, stopped, done or failed.
        announcement: the status for screen readers, changed at most every few seconds.
        progress: 0..1.
        seconds_left: counted down by the browser; None while unknown.
        facts: figures of the running epoch.
        total: epochs in all.
        planned: the scheduled α of every epoch.
        loss, train_accuracy, test_accuracy, alpha, target_mean, others_mean: the curves.
        first, latest: logit histograms after the first and after the newest epoch.
    """

    phase: str
    status: str
    announcement: str = ""
    progress: float = 0.0
    seconds_left: float | None = None
    facts: str = ""
    total: int = 0
    planned: tuple[float, ...] = ()
    numbers: tuple[int, ...] = ()
    loss: tuple[float, ...] = ()
    train_accuracy: tuple[float, ...] = ()
    test_accuracy: tuple[float, ...] = ()
    alpha: tuple[float, ...] = ()
    target_mean: tuple[float, ...] = ()
    others_mean: tuple[float, ...] = ()
    low: float = -1.0
    high: float = 1.0
    first: LogitHistogram | None = None
    latest: LogitHistogram | None = None

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


NO_TRAINING = {
    **read_json(Path(__file__).with_name("recorded_training.json")),
    "phase": "ready",
    "status": "Ready. Start trains a classifier with your α.",
    "announcement": "",
    "progress": 0.0,
    "facts": "",
}


class TrainingPresenter:
    """Turns the updates of one training's job into views.

    Args:
        place: of this training in a series, put before the status, such as "2 of 4: ".
        pages: where the result is a lane.
    """

    def __init__(
        self,
        plan: TrainingPlan,
        *,
        place: str = "",
        pages: str = "Attack, Compare and Line-up pages",
    ) -> None:
        self._plan = plan
        self._place = place
        self._pages = pages
        config = plan.config
        self.view = TrainingView(
            "waiting",
            "Starting …",
            total=config.epochs,
            planned=tuple(
                alpha_at_epoch(config.alpha, epoch, config.epochs, config.phases)
                for epoch in range(config.epochs)
            ),
        )
        self._announced_at = -math.inf
        self._show_epochs(plan.history())

    def waiting(self, place: Waiting) -> TrainingView:
        status = place.sentence("your training", has_begun=self.view.phase == "training")
        return self._show(status=status, urgent=True, seconds_left=None)

    def update(self, update: TrainingUpdate) -> TrainingView:
        frame = update.frame
        self._show_epochs(update.epochs)
        if update.phase == "done":
            return self._at_rest("done", self._result(update), progress=1.0)
        if frame is None:
            return self._show(
                phase="reading", status=f"{self._place}Reading the photos …", urgent=True
            )
        return self._show(
            phase="training",
            status=f"{self._place}Epoch {frame.epoch + 1} of {frame.epochs}",
            progress=frame.step / frame.total_steps,
            seconds_left=update.seconds_left,
            facts=(
                f"α in this epoch {alpha_text(frame.alpha)} · "
                f"learning rate {frame.learning_rate:g} · loss {fixed(frame.loss, 2)} · "
                f"train accuracy {percent(frame.train_accuracy)}"
            ),
        )

    def paused(self) -> TrainingView:
        done = self._plan.epochs_done()
        status = f"{self._place}Paused after epoch {done} of {self._plan.config.epochs}. "
        if done:
            status += resumed_by()
        else:
            status += "The first epoch was not finished; the training starts over."
        # A started epoch is repeated.
        return self._at_rest("paused", status, progress=done / self._plan.config.epochs)

    def found(self) -> TrainingView:
        """An unfinished training of an earlier visit."""
        done, config = self._plan.epochs_done(), self._plan.config
        status = (
            f"A training with α = {alpha_text(config.alpha)} is unfinished, after epoch {done} of "
            f"{config.epochs}. Resume goes on with it, Stop discards it."
        )
        return self._at_rest("paused", status, progress=done / config.epochs)

    def stopped(self) -> TrainingView:
        status = "Stopped; nothing of this training is kept."
        if self._place:
            status = f"{status[:-1]}, but what was finished before it is."
        return self._at_rest("stopped", status)

    def repeated(self) -> TrainingView:
        return self._at_rest("done", "Repeated; the result is above.", progress=1.0)

    def failed(self, message: str) -> TrainingView:
        return self._at_rest("failed", message)

    def _show_epochs(self, epochs: list[Epoch]) -> None:
        shown = list(epochs)  # the training goes on meanwhile
        if shown and len(shown) != len(self.view.numbers):
            self.view = with_curves(self.view, shown)

    def _result(self, update: TrainingUpdate) -> str:
        sentence = f"Done: {update.name}, α = {alpha_text(self._plan.config.alpha)}"
        if update.epochs:
            sentence += (
                f", names {percent(update.epochs[-1].test_accuracy)} of the test photos right"
            )
        return f"{sentence}. It is a lane of the {self._pages} now."

    def _at_rest(self, phase: str, status: str, **changes: float) -> TrainingView:
        return self._show(
            phase=phase, status=status, urgent=True, seconds_left=None, facts="", **changes
        )

    def _show(self, *, status: str, urgent: bool = False, **changes: Any) -> TrainingView:
        now = time.monotonic()
        announcement = self.view.announcement
        if urgent or (
            status != self.view.status and now - self._announced_at >= TRAINING_ANNOUNCE_SECONDS
        ):
            announcement, self._announced_at = status, now
        self.view = replace(self.view, status=status, announcement=announcement, **changes)
        return self.view


def with_curves(view: TrainingView, epochs: Sequence[Epoch]) -> TrainingView:
    """The view with the curves of at least one finished epoch."""
    return replace(
        view,
        numbers=tuple(epoch.number for epoch in epochs),
        loss=tuple(round(epoch.loss, 4) for epoch in epochs),
        train_accuracy=tuple(round(epoch.train_accuracy, 4) for epoch in epochs),
        test_accuracy=tuple(round(epoch.test_accuracy, 4) for epoch in epochs),
        alpha=tuple(epoch.alpha for epoch in epochs),
        target_mean=tuple(round(epoch.logits.target_mean, 3) for epoch in epochs),
        others_mean=tuple(round(epoch.logits.others_mean, 3) for epoch in epochs),
        low=min(epoch.logits.low for epoch in epochs),
        high=max(epoch.logits.high for epoch in epochs),
        first=epochs[0].logits,
        latest=epochs[-1].logits,
    )


def own_list(
    entries: list[CheckpointEntry], names: RunNames, *, newest: str = "", people: str = EMBEDDED
) -> dict[str, Any]:
    """The list of own classifiers, newest first.

    Args:
        names: those that visitors gave.
        newest: the one just trained, which becomes a ticked lane.
        people: key of the people it was trained on.
    """
    items = [_item(entry, names.get(TrainingRun(entry).key)) for entry in reversed(entries)]
    return {"newest": newest, "items": items, "people": people, "shared": people == EMBEDDED}


def _item(entry: CheckpointEntry, title: str) -> dict[str, Any]:
    logits = entry.training.logits
    return {
        "name": entry.name,
        "title": title,
        "alpha": against_text(entry.alpha, entry.defence),
        "settings": settings_words(entry),
        "accuracy": f"{percent(entry.test_accuracy or 0.0)} test accuracy",
        "logits": (
            f"mean logit of the right person {fixed(logits['target'], 1)}, "
            f"of the others {fixed(logits['others'], 1)}"
            if logits
            else ""
        ),
        "size": f"{entry.stored.bytes / 1e6:.1f} MB",
        "bytes": entry.stored.bytes,
    }


def settings_words(entry: CheckpointEntry) -> str:
    """How an own classifier was trained, except its α."""
    photos = entry.training.images_per_identity
    rate = entry.training.recipe.get("learning_rate", "unknown")
    return (
        f"{photos} {'photo' if photos == 1 else 'photos'} of each person, "
        f"{entry.epochs} {'epoch' if entry.epochs == 1 else 'epochs'}, "
        f"{ARCHITECTURES.get(entry.architecture, entry.architecture)}, "
        f"learning rate {rate}, seed {entry.seed}"
    )
