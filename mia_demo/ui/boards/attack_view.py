"""What the attack board shows, as plain JSON: also the value that API clients receive."""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from mia_demo.attack.config import AttackConfig
from mia_demo.attack.frames import AttackFrame, LaneFrame
from mia_demo.attack.stages import SHOWN
from mia_demo.data.pictures import data_uri
from mia_demo.report.columns import alpha_text
from mia_demo.runs.saver import AttackSaver
from mia_demo.ui.boards.lane_styles import styles_in
from mia_demo.ui.engine.device_queue import Waiting
from mia_demo.ui.engine.engine import Curves, Tracked
from mia_demo.ui.shared.render import polyline
from mia_demo.visitors.own_people import People
from mia_demo.zoo.reading import Zoo

BOARD_PHOTOS = 9  # real training photos beside the reconstructions
BOARD_PHOTO_SIZE = 128
OTHERS = SHOWN - 1  # small pictures per lane; the best one is large
ATTACK_ANNOUNCE_SECONDS = 1.0  # screen readers cannot follow eight messages per second

MIN_TRAINED_ACCURACY = 0.5  # on test photos; below it a result says nothing about the smoothing
HARDLY_TRAINED = (
    "Hardly trained: it recognises few of these people itself, so what leaks, or does not, says "
    "nothing about its smoothing."
)
EXPECTATIONS = {
    1: "Positive smoothing: the paper finds that it lets more of the face leak.",
    0: "No smoothing: the baseline. The paper finds that it leaks as well.",
    -1: "Negative smoothing: the paper finds that it shields the face.",
}


@dataclass(frozen=True)
class Picture:
    uri: str
    alt: str


@dataclass(frozen=True)
class LaneView:
    """A column of the board.

    Attributes:
        style: number of its colour and dash pattern.
        others: always ``OTHERS`` long, filled up with None: Gradio sends differences, and those
            of a list that lost two elements cannot be applied (gradio_client 2.7).
    """

    name: str
    style: int
    alpha: float
    test_accuracy: float | None
    alpha_text: str
    accuracy_text: str
    expectation: str
    picture: Picture | None = None
    others: tuple[Picture | None, ...] = (None,) * OTHERS
    target_confidence: float | None = None
    evaluator_top1: int | None = None
    verdict: str = ""
    certainty: str = ""
    recognised: bool = False
    confidence_curve: str = ""
    cosine_curve: str = ""
    gradient_cosine: float | None = None


@dataclass(frozen=True)
class BoardView:
    """The whole board.

    Attributes:
        phase: ready, waiting, loading, running, stopped, done or failed.
        title: who is under attack.
        stage, step, total_steps: of the attack; stage is empty before the first frame.
        progress: 0..1 over all stages.
        status: one sentence on what is happening.
        announcement: the status for screen readers, changed at most once per second.
        shown: identity, preset and seed of the attack, once there is one.
        form: the settings it was started with, as in the page's fields.
        is_older: the fields have changed since; set by the browser.
    """

    phase: str
    identity: int
    stage: str
    step: int
    total_steps: int
    progress: float
    seconds: float
    status: str
    announcement: str
    photos: tuple[Picture, ...]
    lanes: tuple[LaneView, ...]
    title: str = ""
    cosine_low: float = 0.0  # the lower end of the gradient cosine's axis
    shown: str = ""
    form: tuple[Any, ...] = ()
    is_older: bool = False

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def ready_board(people: People, identity: int, lanes: Sequence[str], before: str = "") -> BoardView:
    """The board before an attack: real photos and empty lanes.

    Args:
        before: what has just happened, if it needs saying.

    Raises:
        DemoError: a photo or a lane's entry cannot be read.
    """
    zoo, who = people.zoo, called(identity, people.names)
    status = f"{before or 'Ready.'} Start attacks {who}."
    return BoardView(
        phase="ready",
        identity=identity,
        stage="",
        step=0,
        total_steps=0,
        progress=0.0,
        seconds=0.0,
        status=status,
        announcement=status,
        title=title_of(identity, people.names),
        photos=board_photos(people, identity),
        lanes=tuple(_empty_lane(zoo, name, style) for name, style in styles_in(zoo, lanes).items()),
    )


class BoardPresenter:
    """Turns the updates of one attack's job into boards."""

    def __init__(
        self,
        ready: BoardView,
        config: AttackConfig,
        form: Sequence[Any] = (),
        names: Sequence[str] = (),
    ) -> None:
        self.config = config
        self._names = names
        status = "Loading the networks …"
        preset = "own settings" if config.preset == "custom" else f"preset {config.preset}"
        self.view = replace(
            ready,
            phase="loading",
            status=status,
            announcement=status,
            shown=f"Shown: {called(config.identity, names)}, {preset}, seed {config.seed}",
            form=tuple(form),
        )
        self._announced_at = -math.inf
        self._saver: AttackSaver | None = None

    def waiting(self, place: Waiting) -> BoardView:
        if place.running == "an attack":
            place = replace(place, running="another attack")
        return self._show(phase="waiting", status=place.sentence("your attack"), urgent=True)

    def update(self, tracked: Tracked) -> BoardView:
        frame, self._saver = tracked.frame, tracked.saver
        if not frame.lanes:
            share = f"{frame.step} %" if frame.total_steps == 100 else "…"
            status = (
                f"Sampling: the classifiers look at the pool of faces for the first time, {share}"
            )
            return self._show(
                phase="running",
                status=status,
                stage="sampling",
                step=frame.step,
                total_steps=frame.total_steps,
                seconds=frame.seconds,
            )
        lanes = {lane.name: lane for lane in frame.lanes}
        cosines = itertools.chain.from_iterable(tracked.curves.gradient_cosine.values())
        low = -1.0 if any(value < 0 for value in cosines) else 0.0
        views = tuple(
            self._lane(view, lanes[view.name], tracked.curves, low) for view in self.view.lanes
        )
        return self._show(
            phase="done" if frame.is_last else "running",
            status=self._sentence(frame, views),
            urgent=frame.is_last or frame.stage != self.view.stage,
            stage=frame.stage,
            step=frame.step,
            total_steps=frame.total_steps,
            progress=progress_of(frame.stage, frame.step, frame.total_steps),
            seconds=frame.seconds,
            lanes=views,
            cosine_low=low,
        )

    def over(self) -> BoardView:
        """When the job is over; if the attack was to be kept and was not, it says why."""
        board = self.view if self.view.phase == "done" else self._stopped()
        if self._saver is None or not self._saver.problem:
            return board
        return self._show(
            status=f"{board.status} It was not kept as a run: {self._saver.problem}", urgent=True
        )

    def _stopped(self) -> BoardView:
        board = self.view
        if board.stage == "optimisation":
            where = f"at step {board.step} of {board.total_steps}; this is how far the attack came."
        else:
            where = "before the first step."
        return self._show(phase="stopped", status=f"Stopped {where}", urgent=True)

    def failed(self, message: str) -> BoardView:
        return self._show(phase="failed", status=message, urgent=True)

    def _show(self, *, status: str, urgent: bool = False, **changes: Any) -> BoardView:
        now = time.monotonic()
        announcement = self.view.announcement
        if urgent or now - self._announced_at >= ATTACK_ANNOUNCE_SECONDS:
            announcement, self._announced_at = status, now
        self.view = replace(self.view, status=status, announcement=announcement, **changes)
        return self.view

    def _sentence(self, frame: AttackFrame, lanes: tuple[LaneView, ...]) -> str:
        if frame.is_last:
            seen = [lane.name for lane in lanes if lane.recognised]
            where = f"in lane{'s' if len(seen) > 1 else ''} {' and '.join(seen)}"
            if not seen:
                where = "in no lane"
            if len(seen) == len(lanes) > 1:
                where = "in every lane"
            return (
                f"Done in {frame.seconds:.1f} s: the evaluator recognises "
                f"{called(self.config.identity, self._names)} {where}."
            )
        if frame.stage == "optimisation":
            return f"Optimisation: step {frame.step} of {frame.total_steps}"
        if frame.stage == "selection":
            return "Selection: which candidates convince from random views"
        return "Sampling: the best starting faces of the pool"

    def _lane(self, view: LaneView, lane: LaneFrame, curves: Curves, low: float) -> LaneView:
        identity = self.config.identity
        pictures = [
            Picture(
                data_uri(lane.images[k]),
                f"{'Best reconstruction' if rank == 0 else f'Candidate {rank + 1}'} of "
                f"{called(identity, self._names)} from lane {lane.name}",
            )
            for rank, k in enumerate(lane.best_first()[:SHOWN])
        ]
        top1 = lane.evaluator_top1[lane.best]
        recognised = top1 == identity
        total = self.config.steps * math.ceil(self.config.candidates / self.config.batch_size)
        confidences = curves.target_confidence[lane.name]
        cosines = curves.gradient_cosine[lane.name]
        return replace(
            view,
            picture=pictures[0],
            others=(*pictures[1:], *[None] * (SHOWN - len(pictures))),
            target_confidence=round(lane.target_confidence, 4),
            evaluator_top1=top1,
            verdict=verdict_words(top1, identity, self._names),
            certainty=f"{lane.evaluator_confidences[lane.best]:.0%} sure",
            recognised=recognised,
            confidence_curve=polyline(confidences, total, 0.0, 1.0),
            cosine_curve=polyline(cosines, total, low, 1.0),
            gradient_cosine=_finite(cosines[-1] if cosines else math.nan),
        )


def called(identity: int, names: Sequence[str]) -> str:
    """An own person's name, which is the folder's; else the number."""
    return names[identity] if names else f"identity {identity}"


def title_of(identity: int, names: Sequence[str] = ()) -> str:
    """The heading above an identity's photos."""
    return names[identity] if names else f"Identity {identity}"


def verdict_words(top1: int, identity: int, names: Sequence[str] = ()) -> str:
    """What the evaluator says, in words."""
    return f"{'recognised as' if top1 == identity else 'taken for'} {called(top1, names)}"


def board_photos(people: People, identity: int) -> tuple[Picture, ...]:
    """A few photos of the identity that the classifiers were trained on.

    Raises:
        DataError: a photo cannot be read.
    """
    # Spread over the training split, so that pose and light differ.
    identities, who = people.identities, called(identity, people.names)
    trained_on = people.zoo.images_of(identities, identity, "train")
    count = min(BOARD_PHOTOS, len(trained_on))
    indices = [trained_on[position * len(trained_on) // count] for position in range(count)]
    images, _ = identities.tensors(BOARD_PHOTO_SIZE, labels=[identity], indices=indices)
    return tuple(
        Picture(
            data_uri(image.permute(1, 2, 0).numpy()),
            f"Real training photo {number} of {who}",
        )
        for number, image in enumerate(images, start=1)
    )


def _empty_lane(zoo: Zoo, name: str, style: int) -> LaneView:
    entry = zoo.entry(name)
    return empty_lane(name, style, entry.alpha or 0.0, entry.test_accuracy)


def empty_lane(name: str, style: int, alpha: float, accuracy: float | None) -> LaneView:
    """A lane without a result yet."""
    return LaneView(
        name=name,
        style=style,
        alpha=alpha,
        test_accuracy=accuracy,
        alpha_text=f"α = {alpha_text(alpha)}",
        accuracy_text=(
            "test accuracy not measured" if accuracy is None else f"{accuracy:.1%} test accuracy"
        ),
        expectation=(
            HARDLY_TRAINED
            if accuracy is not None and accuracy < MIN_TRAINED_ACCURACY
            else EXPECTATIONS[(alpha > 0) - (alpha < 0)]
        ),
    )


def progress_of(stage: str, step: int, total_steps: int) -> float:
    """How much of an attack is done after this step, 0 to 1."""
    # Optimisation takes nearly all of the time.
    if stage == "optimisation":
        return 0.05 + 0.9 * step / total_steps
    return {"sampling": 0.05, "selection": 0.97, "done": 1.0}[stage]


def _finite(value: float) -> float | None:
    return None if math.isnan(value) else round(value, 4)
