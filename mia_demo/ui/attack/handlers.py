"""What happens on the attack page's events: parse, start a job, yield boards."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from typing import Any

import gradio as gr

from mia_demo.attack.config import AttackConfig, preset_config
from mia_demo.errors import ConfigError, DemoError
from mia_demo.ui.attack.identity_picker import picker_faces
from mia_demo.ui.boards.attack_view import BoardPresenter, BoardView, ready_board
from mia_demo.ui.engine.engine import Engine, Tracked
from mia_demo.ui.engine.jobs import Job, Waiting
from mia_demo.ui.shared.job_buttons import start_and_stop
from mia_demo.ui.shared.knobs import parse_config
from mia_demo.ui.shared.model_access import MAX_LANES, attack_lanes, check_lanes, lane_names
from mia_demo.visitors.own_people import People

FIRST_IDENTITY = 42
FRAME_SECONDS = 1 / 8  # at most eight frames a second reach a browser
READER_SECONDS = 2.0
UNEXPECTED = "The attack failed unexpectedly; the server's log says why. Try fewer candidates."
ENDED = "Another identity was chosen, which ended the running attack."

log = logging.getLogger(__name__)


def first_identity(people: People) -> int:
    """Whose face is chosen at first."""
    return 0 if people.key else min(FIRST_IDENTITY, len(people.identities) - 1)


class AttackHandlers:
    """Handlers that share one engine; their only state is the table of sessions."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def ready(
        self,
        identity: int,
        lanes: Sequence[str] | None = None,
        people: People | None = None,
        before: str = "",
    ) -> BoardView:
        """The board before an attack on this identity.

        Args:
            lanes: which to show; those that came with the demo by default.
            people: whose identity; by default those that came with the demo.
            before: what happened until now, if that has to be said.

        Raises:
            DemoError: no such identity, or the zoo is damaged.
        """
        victims = people or self.engine.embedded
        if not 0 <= identity < len(victims.identities):
            raise ConfigError(
                f"Identity {identity} does not exist; choose 0 to {len(victims.identities) - 1}."
            )
        names = victims.zoo.default_lanes()[:MAX_LANES] if lanes is None else lanes
        return ready_board(victims.zoo, victims.identities, identity, names, before)

    def choose(self, identity: int, key: str, request: gr.Request) -> tuple[Any, Any, Any]:
        """Another identity: its photos, no stale pictures, and the running attack ends."""
        before = ENDED if self._end_attack(request) else ""
        try:
            board = self.ready(identity, people=self.engine.people(key), before=before)
            return board.to_json(), *start_and_stop(running=False)
        except DemoError as error:
            raise _toast(str(error)) from error

    def switch(self, key: str, request: gr.Request) -> tuple[Any, ...]:
        """Other people: their faces, photos and lanes."""
        self._end_attack(request)
        try:
            people = self.engine.people(key)
            zoo = people.zoo
            first = first_identity(people)
            return (
                gr.update(value=first, faces=picker_faces(people.identities, people.names)),
                gr.update(
                    choices=attack_lanes(self.engine, request, people),
                    value=zoo.default_lanes()[:MAX_LANES],
                ),
                self.ready(first, people=people).to_json(),
                *start_and_stop(running=False),
            )
        except DemoError as error:
            raise _toast(str(error)) from error

    def start(
        self,
        request: gr.Request,
        identity: int | None,
        preset: str,
        seed: float | None,
        lanes: list[str],
        key: str,
        *knobs: Any,
    ) -> Iterator[tuple[Any, Any, Any]]:
        """The start button: boards until the attack is done, stopped or fails."""
        session = str(request.session_hash)
        try:
            config = parse_config(identity, preset, seed, lanes, knobs)
            people = self.engine.people(key)
            known = lane_names(self.engine, request, people)
            form = [preset, seed, lanes, *knobs]
            presenter = self._presenter(config, people, known, form)
            job = self.engine.attacks.start(
                session, lambda: self.engine.attack(config, session=session, people=people)
            )
        except DemoError as error:
            raise _toast(str(error)) from error
        yield presenter.board.to_json(), *start_and_stop(running=True)
        try:
            for board in _boards(job, presenter, FRAME_SECONDS):
                yield board.to_json(), *start_and_stop(running=True)
            if self.engine.attacks.job_of(session) is not job:
                return  # another identity or attack has the board now
            cut_short = job.stopped and presenter.board.phase != "done"
            board = presenter.stopped() if cut_short else presenter.board
            yield board.to_json(), *start_and_stop(running=False)
        except DemoError as error:
            yield presenter.failed(str(error)).to_json(), *start_and_stop(running=False)
            raise _toast(str(error)) from error
        except Exception as error:
            log.exception("attack failed")
            yield presenter.failed(UNEXPECTED).to_json(), *start_and_stop(running=False)
            raise _toast(UNEXPECTED) from error
        finally:
            self.engine.attacks.release(session, job)

    def stop(self, request: gr.Request) -> None:
        """The stop button: the job ends after its step, ``start`` shows the last word."""
        job = self.engine.attacks.job_of(str(request.session_hash))
        if job is not None:
            job.stop()

    def api(
        self, identity: int, preset: str = "quick", seed: int = 0, lanes: list[str] | None = None
    ) -> Iterator[dict[str, Any]]:
        """Attacks one identity in several lanes side by side and streams every frame.

        Args:
            identity: number of the identity, from 0.
            preset: quick, standard or paper.
            seed: same seed, same attack.
            lanes: names of target classifiers; those that came with the demo by default.

        Returns:
            The board: phase, stage, step, status, and for each lane its pictures as data URIs,
            target confidence, the evaluator's verdict and the curves.
        """
        try:
            names = tuple(self.engine.zoo.default_lanes()[:MAX_LANES] if lanes is None else lanes)
            config = preset_config(preset, identity=identity, seed=seed, lanes=names)
            known = self.engine.zoo.target_names()
            presenter = self._presenter(config, self.engine.embedded, known)
            job = self.engine.attack(config, every_frame=True)
            for board in _boards(job, presenter, 0.0):
                yield board.to_json()
        except DemoError as error:
            raise _toast(str(error)) from error

    def _end_attack(self, request: gr.Request) -> bool:
        """Ends the visitor's attack; whether there was one."""
        ended = self.engine.attacks.release(str(request.session_hash))
        if ended is not None:
            # Its last frame must not arrive after the empty board.
            ended.wait_for_reader(READER_SECONDS)
        return ended is not None

    def _presenter(
        self,
        config: AttackConfig,
        people: People,
        known: Sequence[str],
        form: Sequence[Any] = (),
    ) -> BoardPresenter:
        check_lanes(config.lanes)
        for name in config.lanes:
            if name not in known:
                raise ConfigError(f"No lane {name!r}; this zoo has {', '.join(known)}.")
        lanes = [name for name in known if name in config.lanes]
        return BoardPresenter(self.ready(config.identity, lanes, people), config, form)


def _boards(job: Job[Tracked], presenter: BoardPresenter, interval: float) -> Iterator[BoardView]:
    for update in job.updates(interval):
        if isinstance(update, Waiting):
            yield presenter.waiting(update)
        else:
            yield presenter.frame(update)


def _toast(message: str) -> gr.Error:
    """One message for the visitor, and no traceback in the server's log for a visitor's slip."""
    return gr.Error(message, print_exception=False)
