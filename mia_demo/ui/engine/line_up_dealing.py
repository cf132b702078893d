"""Deals rounds of line-ups: attacks random identities while people vote on the rounds before."""

import secrets
import threading
from collections.abc import Callable, Generator
from functools import partial

import numpy as np
import numpy.typing as npt

from mia_demo.attack.config import AttackConfig, preset_config
from mia_demo.attack.lanes import check_lane
from mia_demo.errors import ConfigError, DemoError
from mia_demo.lesson.line_up import CONTROLS, LineUp, make_control, make_line_up, plan_rounds
from mia_demo.sweep.board import recorded_board, row_pictures
from mia_demo.sweep.library import ResultsLibrary
from mia_demo.ui.engine.attack_news import FinishedAttack
from mia_demo.ui.engine.device_queue import Waiting
from mia_demo.ui.engine.engine import Engine
from mia_demo.ui.engine.field_checks import MAX_WHOLE
from mia_demo.ui.engine.jobs import Job
from mia_demo.ui.engine.line_up_game import LineUpError
from mia_demo.ui.engine.line_up_rooms import LineUpRooms
from mia_demo.ui.engine.networks import Networks, Work

LINE_UP_PRESET = "quick"
MAX_AT_ONCE = 12
MIN_WITH_CONTROLS = 6  # rounds
RECORDED_ROUNDS = 6
UNWATCHED = "Nobody was watching, so no further rounds were dealt; deal new ones."
DEALING_FAILED = "Dealing failed unexpectedly; the server's log says why. Deal again."

Round = tuple[Work[LineUp], float | None]  # the work and its estimated seconds, if known


class Dealer:
    """Computes rounds on the device's queue and adds them to games, one by one."""

    def __init__(self, engine: Engine, rooms: LineUpRooms) -> None:
        self.engine = engine
        self.rooms = rooms

    def deal(self, key: str, count: int, lanes: list[str], seed: int | None = None) -> None:
        """Deals new rounds: identities that the game has not shown yet, in random lanes.

        Args:
            seed: equal seeds give equal rounds in a new game; None draws one.

        Raises:
            DemoError: a setting out of range, or rounds are being dealt already.
        """
        _check_count(count)
        chosen = secrets.randbelow(MAX_WHOLE) if seed is None else seed
        if not 0 <= chosen <= MAX_WHOLE:
            raise ConfigError(f"The seed must lie in 0..{MAX_WHOLE}; choose another.")
        for lane in lanes:
            check_lane(lane, self.engine.zoo.target_names())
        with self.rooms.hosted(key) as game:
            shown = game.dealt
        people = [i for i in range(len(self.engine.identities)) if i not in shown]
        rounds: list[Round] = []
        for number, (identity, lane) in enumerate(plan_rounds(count, lanes, people, chosen)):
            config = preset_config(LINE_UP_PRESET, identity=identity, lanes=(lane,), seed=chosen)
            seconds = self.engine.speed.attack_seconds(config)
            rounds.append((partial(_attacked, config, number), seconds))
        if count >= MIN_WITH_CONTROLS:
            rounds = self._with_controls(rounds, people, chosen)
        self._start(key, rounds)

    def deal_recorded(self, key: str, seed: int | None = None) -> None:
        """Deals rounds from the first recorded results, controls among them: nothing is attacked.

        Raises:
            DemoError: there are no recorded results, or rounds are being dealt already.
        """
        chosen = secrets.randbelow(MAX_WHOLE) if seed is None else seed
        results = ResultsLibrary(self.engine.zoo, self.engine.runs).sweeps()
        recorded = next((sweep for sweep in results if sweep.is_recorded), None)
        if recorded is None:
            raise ConfigError("No results came with this zoo; deal new rounds.")
        found = recorded.load()
        people, lanes = list(found.record.identities), list(found.record.lanes)
        count = min(RECORDED_ROUNDS, len(people))
        self._deal_pictures(key, plan_rounds(count, lanes, people, chosen), found.picture, chosen)
        with self.rooms.hosted(key) as game:
            game.is_recorded = True

    def deal_cell(self, key: str, cell: str, count: int, seed: int | None = None) -> None:
        """Deals rounds from a recorded cell of the board of defences and attacks.

        Args:
            cell: one of ``cells_to_deal``.

        Raises:
            DemoError: no such cell, too few people left, or rounds are being dealt already.
        """
        _check_count(count)
        chosen = secrets.randbelow(MAX_WHOLE) if seed is None else seed
        folder, rows = recorded_board(self.engine.zoo)
        lane, _, attack = cell.partition("/")
        row = next((r for r in rows if r.lane == lane and cell in self.cells_to_deal()), None)
        if row is None:
            raise ConfigError(f"The board has no pictures {cell!r}; choose others.")
        numbers, pictures = row.cells[attack].identities, row_pictures(row, folder, attack)
        with self.rooms.hosted(key) as game:
            people = [number for number in numbers if number not in game.dealt]

        def picture(lane: str, identity: int) -> npt.NDArray[np.uint8]:
            return np.array(pictures[numbers.index(identity)])

        planned = plan_rounds(min(count, len(numbers)), [lane], people, chosen)
        self._deal_pictures(key, planned, picture, chosen)

    def cells_to_deal(self) -> list[str]:
        """``negative/brep_mi`` for each cell of the board whose target the zoo has."""
        _, rows = recorded_board(self.engine.zoo)
        here = [row for row in rows if self.engine.zoo.find(row.lane)]
        return [f"{row.lane}/{attack}" for row in here for attack in row.cells]

    def _deal_pictures(
        self,
        key: str,
        planned: list[tuple[int, str]],
        picture: Callable[[str, int], npt.NDArray[np.uint8]],
        seed: int,
    ) -> None:
        """Deals what is there already, controls among it: nothing is attacked."""
        rounds: list[Round] = []
        for number, (identity, lane) in enumerate(planned):
            config = preset_config(LINE_UP_PRESET, identity=identity, lanes=(lane,), seed=seed)
            shown = partial(_shown, config, lane, picture(lane, identity), (seed, number))
            rounds.append((shown, 1.0))
        people = [identity for identity, _ in planned]
        self._start(key, self._with_controls(rounds, people, seed))

    def _with_controls(self, rounds: list[Round], people: list[int], seed: int) -> list[Round]:
        """The rounds with a control of each kind among them, never the first."""
        rng = np.random.default_rng((seed, len(rounds)))
        mixed = list(rounds)
        for kind in CONTROLS:
            identity = int(rng.choice(people))
            work = partial(_controlled, kind, identity, seed)
            mixed.insert(int(rng.integers(1, len(mixed) + 1)), (work, 1.0))
        return mixed

    def deal_own(self, key: str, own: FinishedAttack) -> None:
        """Deals a round per lane of a visitor's attack, in random order.

        Raises:
            DemoError: rounds are being dealt already.
        """
        seed = secrets.randbelow(MAX_WHOLE)
        lanes = np.random.default_rng(seed).permutation(list(own.images)).tolist()
        rounds: list[Round] = [
            (partial(_shown, own.config, lane, own.images[lane][0], (seed, number)), 1.0)
            for number, lane in enumerate(lanes)
        ]
        self._start(key, rounds)

    def _start(self, key: str, rounds: list[Round]) -> None:
        self.rooms.expect(key, len(rounds))
        try:
            job = self.engine.shared(lambda: self._adding(key, rounds), "a line-up")
        except DemoError:
            self.rooms.finish(key)
            raise
        # In a thread, because the rounds belong to the game: the tab may be reloaded or closed.
        threading.Thread(target=self._follow, args=(key, job), daemon=True).start()

    def _adding(self, key: str, rounds: list[Round]) -> Generator[LineUp, None, None]:
        for work, seconds in rounds:
            if not self.rooms.is_watched(key):
                raise LineUpError(UNWATCHED)
            for line_up in self.engine.on_device(work, seconds=seconds):
                self.rooms.add(key, line_up)
                yield line_up

    def _follow(self, key: str, job: Job[LineUp]) -> None:
        note = DEALING_FAILED
        try:
            for update in job.updates(for_stream=False):  # ``_adding`` sees whether anybody looks
                why = ""
                if isinstance(update, Waiting):
                    why = update.sentence("the round", verb="comes")
                self.rooms.wait(key, why)
            note = ""
        except DemoError as error:
            note = str(error)
        finally:  # any other error ends the thread, and Python logs it
            self.rooms.finish(key, note)


def _check_count(count: int) -> None:
    if not 1 <= count <= MAX_AT_ONCE:
        raise ConfigError(f"Deal 1 to {MAX_AT_ONCE} rounds at once, not {count}.")


def _controlled(
    kind: str, identity: int, seed: int, networks: Networks
) -> Generator[LineUp, None, None]:
    """A round with a real photo."""
    yield make_control(networks.judge(), networks.identities, kind, identity=identity, seed=seed)


def _attacked(
    config: AttackConfig, number: int, networks: Networks
) -> Generator[LineUp, None, None]:
    """A round with a new attack."""
    for frame in networks.attacker().run(config, every=config.steps):
        best = frame.lanes[0].images[0] if frame.is_last else None
    assert best is not None
    yield from _shown(config, config.lanes[0], best, (config.seed, number), networks)


def _shown(
    config: AttackConfig,
    lane: str,
    reconstruction: npt.NDArray[np.uint8],
    seeds: tuple[int, int],
    networks: Networks,
) -> Generator[LineUp, None, None]:
    """A round with a given reconstruction.

    Args:
        seeds: seed of the deal, and number of the round in it.
    """
    yield make_line_up(
        networks.judge(),
        networks.identities,
        reconstruction,
        identity=config.identity,
        lane=lane,
        seed=config.seed,
        rng=np.random.default_rng(seeds),
    )
