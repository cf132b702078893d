"""A sweep started from the page: its plan, and the work as a stream of updates."""

import hashlib
import json
from collections import Counter
from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from mia_demo.attack.config import AttackConfig
from mia_demo.attack.lanes import check_lane, stage_names
from mia_demo.errors import ConfigError
from mia_demo.report.text import save_report
from mia_demo.sweep.results import collect_results
from mia_demo.sweep.sweep import SweepPlan, parse_numbers, run_sweep
from mia_demo.system.files import writing_to
from mia_demo.ui.engine.engine import Engine
from mia_demo.ui.engine.field_checks import MAX_WHOLE, check_identity
from mia_demo.ui.engine.networks import Networks
from mia_demo.ui.engine.speed import StepClock
from mia_demo.ui.engine.who_asks import tab_setting

# The device is shared with other visitors; the command line has no such limit.
MAX_ATTACKS = 1000


@dataclass(frozen=True)
class SweepTally:
    """A lane's sweep so far: the newest best picture, and how often the evaluator was right."""

    lane: str
    picture: npt.NDArray[np.uint8]
    top1: int
    right: int
    judged: int


@dataclass(frozen=True)
class SweepUpdate:
    """Where a sweep is."""

    phase: str  # attacking, table (being computed) or done
    done: int
    total: int
    identity: int | None = None  # of the newest attack; None before the first
    seed: int | None = None  # likewise
    seconds_left: float | None = None  # for what is missing; None before it can be known
    tallies: tuple[SweepTally, ...] = ()


def plan_sweep(engine: Engine, config: AttackConfig, identities: str, seeds: str) -> SweepPlan:
    """Checks what a visitor asks for.

    Raises:
        ConfigError: identities, seeds or lanes that do not exist, or too many attacks.
    """
    people, chosen_seeds = tuple(parse_numbers(identities)), tuple(parse_numbers(seeds))
    for identity in people:
        check_identity(identity, len(engine.identities))
    if max(chosen_seeds) > MAX_WHOLE:
        raise ConfigError(f"Seeds go up to {MAX_WHOLE}; choose smaller ones.")
    attacks = len(people) * len(chosen_seeds)
    if attacks > MAX_ATTACKS:
        raise ConfigError(
            f"{attacks} attacks are too many for this page, which allows {MAX_ATTACKS}; "
            "choose fewer, or use python -m mia_demo sweep."
        )
    for lane in config.lanes:
        check_lane(lane, engine.zoo.target_names())
    # The folder's name follows from everything that decides the result, so the same settings find
    # their unfinished sweep again, and no other.
    folder = engine.runs / _folder_name(engine, config, people, chosen_seeds)
    return SweepPlan(config, people, chosen_seeds, folder)


def sweep_work(plan: SweepPlan, networks: Networks) -> Generator[SweepUpdate, None, None]:
    """Attacks what is missing, then computes and saves the table.

    Raises:
        ConfigError: the folder cannot be written.
    """
    latest = yield from attack_work(plan, networks)
    yield from _table(plan, latest, networks)


def attack_work(plan: SweepPlan, networks: Networks) -> Generator[SweepUpdate, None, SweepUpdate]:
    """Attacks what is missing and returns the last update; raises what ``sweep_work`` does."""
    attacker, judge = networks.attacker(), networks.judge()
    before = set(plan.finished())
    done = len(before)
    update = SweepUpdate("attacking", done, plan.total)
    yield update
    judged: Counter[tuple[str, bool]] = Counter()
    with writing_to(plan.folder.parent):
        clock = StepClock()
        for attack in run_sweep(attacker, judge, plan):
            tallies = _tallies(plan, attack, attacker.framing.picture_size, judged)
            if attack in before:
                continue
            done += 1
            left = clock.left_after_step(plan.total - done)
            seed, identity = attack
            update = SweepUpdate("attacking", done, plan.total, identity, seed, left, tallies)
            yield update
            clock.resume()
    return update


def table_work(plan: SweepPlan, networks: Networks) -> Generator[SweepUpdate, None, None]:
    """The table of a stopped sweep's finished attacks.

    Raises:
        ConfigError: no attack is finished, or the folder cannot be written.
    """
    part = plan.finished_part()
    if part is None:
        raise ConfigError("No attack of this sweep is finished yet; start it again.")
    start = SweepUpdate("attacking", len(plan.finished()), plan.total)
    yield from _table(part, start, networks)


def is_attack_saved(update: SweepUpdate) -> bool:
    """Whether the work, started anew, goes on from here: after an attack."""
    return update.phase != "done" and update.identity is not None


def _table(
    plan: SweepPlan, latest: SweepUpdate, networks: Networks
) -> Generator[SweepUpdate, None, None]:
    yield replace(latest, phase="table", seconds_left=None)
    attacker, judge = networks.attacker(), networks.judge()
    with writing_to(plan.folder.parent):
        results = collect_results(attacker, judge, plan)
        save_report(results, plan.folder)
    yield replace(latest, phase="done", seconds_left=None)


def _tallies(
    plan: SweepPlan, attack: tuple[int, int], resolution: int, judged: Counter[tuple[str, bool]]
) -> tuple[SweepTally, ...]:
    """The lanes' tallies with one more attack.

    Args:
        attack: its seed and identity.
        judged: how often the evaluator was right and wrong, by lane; it is counted on.
    """
    _, identity = attack
    lanes = plan.result(*attack)["lanes"]
    pictures = plan.pictures(*attack, resolution)[:, 0].permute(0, 2, 3, 1)
    tallies = []
    for lane, picture in zip(plan.config.lanes, pictures, strict=True):
        top1 = lanes[lane]["top1"]
        judged.update((lane, seen == identity) for seen in top1)
        right, wrong = judged[lane, True], judged[lane, False]
        shown = picture.contiguous().numpy()
        tallies.append(SweepTally(lane, shown, top1[0], right, right + wrong))
    return tuple(tallies)


def _folder_name(
    engine: Engine, config: AttackConfig, identities: Sequence[int], seeds: Sequence[int]
) -> str:
    zoo = engine.zoo
    used = {name for lane in config.lanes for name in stage_names(lane)}
    decisive: dict[str, object] = {
        "settings": {**config.to_json(), "identity": None, "seed": None},
        "identities": identities,
        "seeds": seeds,
        # Attacks on other weights, or in other arithmetic, must not end up in one table.
        # A target that is not attacked decides nothing: training another must not part a sweep
        # from its results.
        "checkpoints": {
            e.name: e.stored.sha256
            for e in zoo.manifest.checkpoints
            if e.kind != "target" or e.name in used
        },
        "precision": engine.compute.precision,
        **tab_setting(),
    }
    text = json.dumps(decisive, sort_keys=True)
    return f"sweep-{config.preset}-{hashlib.sha256(text.encode()).hexdigest()[:12]}"
