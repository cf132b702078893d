"""Turns a running attack into boards."""

import itertools
import math
import time
from collections.abc import Sequence
from dataclasses import replace
from functools import cache, partial
from typing import Any

from mia_demo.attack.config import AttackConfig
from mia_demo.attack.frames import AttackFrame, LaneFrame
from mia_demo.attack.named import attack_words
from mia_demo.attack.stages import SHOWN
from mia_demo.data.pictures import data_uri
from mia_demo.runs.saver import AttackSaver
from mia_demo.ui.boards.attack_view import BoardView, LaneView, Picture, named_face
from mia_demo.ui.boards.board_words import called, progress_of, verdict_words
from mia_demo.ui.boards.replay_view import replay_json
from mia_demo.ui.engine.attack_news import Curves, Tracked
from mia_demo.ui.engine.device_queue import Waiting
from mia_demo.ui.shared.render import polyline
from mia_demo.visitors.own_people import People

ATTACK_ANNOUNCE_SECONDS = 1.0  # screen readers cannot follow eight messages per second


class BoardPresenter:
    """Turns the updates of one attack's job into boards.

    Args:
        people: who may be taken for whom.
    """

    def __init__(
        self,
        ready: BoardView,
        config: AttackConfig,
        people: People,
        form: Sequence[Any] = (),
    ) -> None:
        self.config = config
        self._face_of = cache(partial(named_face, people))
        self._names = names = people.names
        status = "Loading the networks …"
        preset = f"preset {config.preset}"
        if config.preset == "custom":
            preset = f"own settings, {attack_words(config)}"
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
        self._is_complete = False

    def waiting(self, place: Waiting) -> BoardView:
        if place.running == "an attack":
            place = replace(place, running="another attack")
        return self._show(phase="waiting", status=place.sentence("your attack"), urgent=True)

    def update(self, tracked: Tracked) -> BoardView:
        frame, self._saver = tracked.frame, tracked.saver
        self._is_complete = frame.is_last
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
            # An attack that is to be kept is done once it is: who looks for it then finds it.
            phase="done" if frame.is_last and self._saver is None else "running",
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
        done = replace(self.view, phase="done")
        board = self.view = done if self._is_complete else self._stopped()
        if self._saver is None:
            return board
        recording = self._saver.recording()
        if recording is not None:
            replay = replay_json(recording, self.config.identity, names=self._names)
            board = self.view = replace(board, run=self._saver.key, replay=replay)
        if not self._saver.problem:
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
        cosine = cosines[-1] if cosines else math.nan
        return replace(
            view,
            picture=pictures[0],
            others=(*pictures[1:], *[None] * (SHOWN - len(pictures))),
            target_confidence=round(lane.target_confidence, 4),
            evaluator_top1=top1,
            verdict=verdict_words(top1, identity, self._names),
            certainty=f"{lane.evaluator_confidences[lane.best]:.0%} sure",
            recognised=recognised,
            mistaken=None if recognised else self._face_of(top1),
            confidence_curve=polyline(confidences, total, 0.0, 1.0),
            cosine_curve=polyline(cosines, total, low, 1.0),
            detail=lane.detail,
            gradient_cosine=None if math.isnan(cosine) else round(cosine, 4),
        )
