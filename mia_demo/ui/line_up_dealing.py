"""Deals rounds of line-ups: attacks random identities while people vote on the rounds before."""

from __future__ import annotations

import logging
import secrets
import threading
from collections.abc import Callable, Generator, Iterator

import numpy as np

from mia_demo.attack.attack import Attacker
from mia_demo.attack.config import preset_config
from mia_demo.errors import ConfigError, DemoError
from mia_demo.evaluation.judge import Judge
from mia_demo.evaluation.line_up import LineUp, make_line_up, plan_rounds
from mia_demo.ui.engine import Engine, FinishedAttack
from mia_demo.ui.jobs import Job, Waiting
from mia_demo.ui.line_up_game import LineUpError
from mia_demo.ui.line_up_rooms import LineUpRooms

PRESET = "quick"
MOST_AT_ONCE = 12
LARGEST_SEED = 2**31 - 1
UNWATCHED = "Nobody was watching, so no further rounds were dealt; deal new ones."
UNEXPECTED = "Dealing failed unexpectedly; the server's log says why. Deal again."

Work = Callable[[Attacker, Judge], Generator[LineUp, None, None]]

log = logging.getLogger(__name__)


class Dealer:
    """Computes rounds on the device's queue and adds them to games, one by one."""

    def __init__(self, engine: Engine, rooms: LineUpRooms) -> None:
        self.engine = engine
        self.rooms = rooms

    def deal(self, key: str, count: int, lanes: list[str], seed: int | None = None) -> None:
        """New rounds: identities that the game has not shown yet, in random lanes.

        Args:
            seed: same seed, same rounds in a new game; None draws one.

        Raises:
            DemoError: a setting out of range, or rounds are being dealt already.
        """
        if not 1 <= count <= MOST_AT_ONCE:
            raise ConfigError(f"Deal 1 to {MOST_AT_ONCE} rounds at once, not {count}.")
        chosen = secrets.randbelow(LARGEST_SEED) if seed is None else seed
        if not 0 <= chosen <= LARGEST_SEED:
            raise ConfigError(f"The seed must lie in 0..{LARGEST_SEED}; choose another.")
        known = self.engine.zoo.target_names()
        for lane in lanes:
            if lane not in known:
                raise ConfigError(f"No lane {lane!r}; this zoo has {', '.join(known)}.")
        with self.rooms.hosted(key) as game:
            shown = game.dealt
        people = [i for i in range(len(self.engine.identities)) if i not in shown]
        plan = plan_rounds(count, lanes, people, chosen)

        def work(attacker: Attacker, judge: Judge) -> Generator[LineUp, None, None]:
            rng = np.random.default_rng(chosen)
            for identity, lane in plan:
                config = preset_config(PRESET, identity=identity, lanes=(lane,), seed=chosen)
                for frame in attacker.run(config, every=config.steps):
                    best = frame.lanes[0].images[0] if frame.is_last else None
                assert best is not None
                yield make_line_up(
                    judge,
                    self.engine.identities,
                    best,
                    identity=identity,
                    lane=lane,
                    seed=chosen,
                    rng=rng,
                )

        self._start(key, count, work)

    def deal_own(self, key: str, own: FinishedAttack) -> None:
        """A round for each lane of a visitor's attack, in random order.

        Raises:
            DemoError: rounds are being dealt already.
        """
        seed = secrets.randbelow(LARGEST_SEED)

        def work(attacker: Attacker, judge: Judge) -> Generator[LineUp, None, None]:
            rng = np.random.default_rng(seed)
            for lane in rng.permutation(list(own.images)).tolist():
                yield make_line_up(
                    judge,
                    self.engine.identities,
                    own.images[lane][0],
                    identity=own.config.identity,
                    lane=lane,
                    seed=own.config.seed,
                    rng=rng,
                )

        self._start(key, len(own.images), work)

    def _start(self, key: str, count: int, work: Work) -> None:
        self.rooms.expect(key, count)
        try:
            job = self.engine.judged(
                lambda attacker, judge: self._adding(key, work(attacker, judge)), "a line-up"
            )
        except DemoError:
            self.rooms.finish(key)
            raise
        # The tab may be reloaded or closed: the rounds belong to the game, not to the tab.
        threading.Thread(target=self._follow, args=(key, job), daemon=True).start()

    def _adding(self, key: str, rounds: Iterator[LineUp]) -> Generator[LineUp, None, None]:
        while self.rooms.is_watched(key):
            line_up = next(rounds, None)
            if line_up is None:
                return
            self.rooms.add(key, line_up)
            yield line_up
        raise LineUpError(UNWATCHED)

    def _follow(self, key: str, job: Job[LineUp]) -> None:
        note = ""
        try:
            for update in job.updates():
                self.rooms.wait(key, _waiting(update) if isinstance(update, Waiting) else "")
        except DemoError as error:
            note = str(error)
        except Exception:
            log.exception("dealing failed")
            note = UNEXPECTED
        finally:
            self.rooms.finish(key, note)


def _waiting(place: Waiting) -> str:
    if place.running == "the start-up":
        return "The networks are still being loaded; the round comes right after."
    return f"{place.running[0].upper()}{place.running[1:]} is running; the round comes right after."
