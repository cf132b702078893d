"""Event handlers of the Attack page: parse the form, start a job, yield boards."""

import base64
import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import gradio as gr

from mia_demo.attack.config import AttackConfig, parse_knobs
from mia_demo.attack.lanes import check_lane
from mia_demo.attack.named import named_attack
from mia_demo.errors import ConfigError
from mia_demo.runs.attack_run import UNKEPT, AttackRun
from mia_demo.runs.export import FILE_TYPES, file_name
from mia_demo.runs.store import NO_SUCH_RUN
from mia_demo.ui.attack.evidence import read_evidence, today
from mia_demo.ui.attack.identity_picker import picker_faces
from mia_demo.ui.boards.attack_presenter import BoardPresenter
from mia_demo.ui.boards.attack_view import BoardView, ready_board
from mia_demo.ui.boards.replay_view import attack_content
from mia_demo.ui.engine.attack_news import Tracked
from mia_demo.ui.engine.device_queue import Waiting
from mia_demo.ui.engine.engine import Engine
from mia_demo.ui.engine.field_checks import check_identity
from mia_demo.ui.engine.jobs import Job
from mia_demo.ui.engine.who_asks import is_private
from mia_demo.ui.shared.forms import parse_config
from mia_demo.ui.shared.handler import JobView, start_and_stop, stream, toasts
from mia_demo.ui.shared.lanes import MAX_BOARD_LANES, attack_lanes, lane_names
from mia_demo.visitors.own_people import People

ATTACK_FRAME_SECONDS = 1 / 8  # at most eight frames per second reach a browser
ENDED = "Another identity was chosen, which ended the running attack."

AttackValues = tuple[Any, Any, Any]  # board, start, stop


class AttackJobView(JobView[Tracked]):
    """The board and its two buttons during an attack."""

    unexpected = "The attack failed unexpectedly; the server's log says why. Try fewer candidates."

    def __init__(self, presenter: BoardPresenter) -> None:
        self.presenter = presenter

    def first(self, job: Job[Tracked]) -> AttackValues:
        return _shown(self.presenter.view, running=True)

    def show(self, update: Tracked | Waiting, job: Job[Tracked]) -> AttackValues:
        return _shown(_board(update, self.presenter), running=True)

    def beat(self, update: Tracked | Waiting, job: Job[Tracked]) -> AttackValues:
        return gr.skip(), *start_and_stop(running=True)

    def over(self, job: Job[Tracked]) -> AttackValues:
        return _shown(self.presenter.over())

    def failed(self, message: str) -> AttackValues:
        return _shown(self.presenter.failed(message))


class AttackHandlers:
    """Handlers that share one engine; their only state is the table of sessions."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.evidence = read_evidence(engine)
        self._numbers = itertools.count(1)  # of downloads

    def turn(self, shown: int, request: gr.Request) -> Any:
        """Today's person, for a page that was built when the server started on an earlier day.

        Args:
            shown: whom the page was built with.
        """
        whose = self.evidence.todays(today())
        is_linked = "identity" in request.query_params
        return gr.skip() if is_linked or shown == whose else whose

    def ready(
        self,
        identity: int,
        lanes: Sequence[str] | None = None,
        people: People | None = None,
        before: str = "",
    ) -> BoardView:
        """The board before an attack on this identity.

        Args:
            lanes: which to show; by default the demo's own.
            people: to whom the identity belongs; by default the demo's own.
            before: what has just happened, if it needs saying.

        Raises:
            DemoError: no such identity, or the zoo is damaged.
        """
        victims = people or self.engine.embedded
        check_identity(identity, len(victims.identities))
        names = victims.zoo.default_lanes()[:MAX_BOARD_LANES] if lanes is None else lanes
        return ready_board(victims, identity, names, before)

    def choose(self, identity: int, key: str, request: gr.Request) -> tuple[Any, Any, Any]:
        """Another identity: its recorded attack or its photos; ends a running attack.

        One on that identity goes on: Start may overtake the choice, as when a link is opened.
        """
        with toasts():
            people = self.engine.people(key)
            attacks, session = self.engine.attacks, str(request.session_hash)
            job = attacks.job_of(session)
            if job is not None and job.subject == (people.key, identity):
                return gr.skip(), gr.skip(), gr.skip()
            before = ENDED if attacks.end(session) else ""
            if people is self.engine.embedded and not before:
                recorded = self.evidence.board(identity)
                if recorded is not None:
                    return recorded, *start_and_stop(running=False)
            return _shown(self.ready(identity, people=people, before=before))

    def switch(self, key: str, request: gr.Request) -> tuple[Any, ...]:
        """Other people: shows their faces, photos and lanes."""
        self.engine.attacks.end(str(request.session_hash))
        with toasts():
            people = self.engine.people(key)
            zoo = people.zoo
            first = 0 if people.key else self.evidence.todays(today())
            return (
                gr.update(value=first, faces=picker_faces(people.identities, people.names)),
                gr.update(
                    choices=attack_lanes(self.engine, request, people),
                    value=zoo.default_lanes()[:MAX_BOARD_LANES],
                ),
                *_shown(self.ready(first, people=people)),
            )

    def start(
        self,
        request: gr.Request,
        key: str,
        identity: int | None,
        *form: Any,
    ) -> Iterator[tuple[Any, Any, Any]]:
        """The Start button: yields boards until the attack is done, stopped or failed.

        Args:
            key: of the people.
            form: preset, seed, lanes and the values of ``KNOBS``.
        """
        preset, seed, lanes, *knobs = form
        session = str(request.session_hash)
        with toasts():
            config = parse_config(identity, preset, seed, lanes, knobs)
            people = self.engine.people(key)
            known = lane_names(self.engine, request, people)
            view = AttackJobView(self._presenter(config, people, known, form))
        yield from stream(
            self.engine.attacks,
            request,
            lambda: self.engine.attack(config, session=session, people=people),
            view,
            interval=ATTACK_FRAME_SECONDS,
        )

    def api_attack(
        self,
        identity: int,
        preset: str = "quick",
        seed: int = 0,
        lanes: list[str] | None = None,
        attack: str = "",
        settings: list[str] | None = None,
    ) -> Iterator[dict[str, Any]]:
        """Attacks one identity in several lanes side by side and streams every frame.

        Args:
            identity: number of the identity, from 0.
            preset: quick, standard or paper.
            seed: same seed, same attack.
            lanes: names of target classifiers; those that came with the demo by default.
            attack: changes the preset to another attack, such as taa or mirror.
            settings: further changes, such as temperature=20.

        Returns:
            The board: phase, stage, step, status, and for each lane its pictures as data URIs,
            target confidence, the evaluator's verdict and the curves.
        """
        with toasts():
            names = tuple(
                self.engine.zoo.default_lanes()[:MAX_BOARD_LANES] if lanes is None else lanes
            )
            choices = {"identity": identity, "seed": seed, "lanes": names}
            config = named_attack(attack, preset, **choices, **parse_knobs(settings or []))
            known = self.engine.zoo.target_names()
            presenter = self._presenter(config, self.engine.embedded, known)
            job = self.engine.attack(config, every_frame=True)
            for update in job.updates():
                yield _board(update, presenter).to_json()

    def download(self, board: dict[str, Any], request: gr.Request) -> dict[str, Any]:
        """The sheet or the animation of the attack on the board, for ``shared/file_saver``."""
        with toasts():
            run = self._run(str(board.get("run", "")), request)
            kind = str(board.get("wanted", ""))
            content = attack_content(self.engine, run, kind)
        return {
            "number": next(self._numbers),  # tells one wish from the next
            "name": file_name(run, kind),
            "type": FILE_TYPES[kind],
            "content": base64.b64encode(content).decode("ascii"),
        }

    def _run(self, key: str, request: gr.Request) -> AttackRun:
        """The attack of this key, if whoever asks may see it."""
        session = str(request.session_hash or "")
        if key == UNKEPT:
            run: AttackRun | None = self.engine.unkept.get(session)
        else:
            run = self.engine.kept.attack(key)
            is_theirs = is_private(request) or self.engine.owned_runs.is_of(run.key, session)
            run = run if run.is_recorded or is_theirs else None
        if run is None:
            raise ConfigError(NO_SUCH_RUN)
        return run

    def _presenter(
        self,
        config: AttackConfig,
        people: People,
        known: Sequence[str],
        form: Sequence[Any] = (),
    ) -> BoardPresenter:
        count = len(config.lanes)
        if count > MAX_BOARD_LANES:
            raise ConfigError(
                f"{count} lanes are ticked, but the board has room for {MAX_BOARD_LANES}; untick "
                f"{count - MAX_BOARD_LANES}."
            )
        for name in config.lanes:
            check_lane(name, known)
        lanes = [name for name in known if name in config.lanes]
        return BoardPresenter(self.ready(config.identity, lanes, people), config, people, form)


def _board(update: Tracked | Waiting, presenter: BoardPresenter) -> BoardView:
    return presenter.waiting(update) if isinstance(update, Waiting) else presenter.update(update)


def _shown(board: BoardView, *, running: bool = False) -> AttackValues:
    return board.to_json(), *start_and_stop(running=running)
