"""Many attacks, one table: identities x seeds, all lanes side by side, resumable.

Every attack's result is a small JSON file of its own, written atomically, so a sweep can be killed
at any moment: what is there is not done again, and nothing counts twice.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from mia_demo.attack.attack import Attacker
from mia_demo.attack.config import AttackConfig
from mia_demo.errors import ConfigError
from mia_demo.evaluation.judge import Judge
from mia_demo.files import write_json

BOOTSTRAP_SAMPLES = 2000


@dataclass(frozen=True)
class SweepFrame:
    """Progress of a sweep: one attack more is done."""

    done: int
    total: int
    identity: int
    seed: int


def parse_numbers(text: str) -> list[int]:
    """``0-3,7`` -> [0, 1, 2, 3, 7].

    Raises:
        ConfigError: not numbers and ranges, or a number twice.
    """
    numbers: list[int] = []
    try:
        for part in text.split(","):
            first, _, last = part.partition("-")
            numbers += range(int(first), int(last or first) + 1)
    except ValueError as error:
        message = f"{text!r} is no list such as 0-9,17; write numbers and ranges."
        raise ConfigError(message) from error
    if not numbers or len(set(numbers)) != len(numbers):
        raise ConfigError(f"{text!r} names nothing, or something twice; name each number once.")
    return numbers


def run_sweep(
    attacker: Attacker,
    judge: Judge,
    base: AttackConfig,
    identities: Sequence[int],
    seeds: Sequence[int],
    directory: Path,
) -> Iterator[SweepFrame]:
    """Attacks every identity with every seed; results land in ``directory/attacks``.

    Args:
        base: lanes and knobs; its identity and seed are replaced.

    Raises:
        ConfigError: the folder holds a sweep with other settings.
    """
    settings = {**base.to_json(), "identity": None, "seed": None}
    _check_settings(directory, settings)
    jobs = [(seed, identity) for seed in seeds for identity in identities]
    for done, (seed, identity) in enumerate(jobs, start=1):
        path = _result_path(directory, seed, identity)
        if not path.exists():
            config = replace(base, identity=identity, seed=seed)
            (frame,) = attacker.run(config, watched=False)
            lanes = {}
            for lane in frame.lanes:
                verdict = judge.judge(lane.images, identity)
                lanes[lane.name] = {
                    **asdict(verdict),
                    "alpha": lane.alpha,
                    "test_accuracy": lane.test_accuracy,
                    "target_confidence": lane.target_confidence,
                }
            result = {"identity": identity, "seed": seed, "seconds": frame.seconds, "lanes": lanes}
            write_json(path, result)
        yield SweepFrame(done, len(jobs), identity, seed)


def results_table(
    directory: Path, identities: Sequence[int], seeds: Sequence[int], lanes: Sequence[str]
) -> list[dict[str, Any]]:
    """One row a lane: means over identities and seeds, Acc@1 with its 95 % interval.

    The interval is a bootstrap over identities, each with the mean of its seeds.
    """
    results = [
        [json.loads(_result_path(directory, s, i).read_text("utf-8")) for s in seeds]
        for i in identities
    ]
    rows = []
    for lane in lanes:
        values = [[result["lanes"][lane] for result in per_seed] for per_seed in results]

        def mean_of(key: str, values: list[list[dict[str, Any]]] = values) -> float:
            return float(np.mean([[entry[key] for entry in per_seed] for per_seed in values]))

        per_identity = np.array([np.mean([e["acc1"] for e in per_seed]) for per_seed in values])
        rows.append(
            {
                "lane": lane,
                "alpha": values[0][0]["alpha"],
                "test_accuracy": values[0][0]["test_accuracy"],
                "acc1": mean_of("acc1"),
                "acc1_ci95": bootstrap_interval(per_identity),
                "acc5": mean_of("acc5"),
                "delta_eval": mean_of("delta_eval"),
                "delta_face": mean_of("delta_face"),
                "target_confidence": mean_of("target_confidence"),
            }
        )
    return rows


def bootstrap_interval(values: np.ndarray[Any, Any]) -> tuple[float, float]:
    """95 % percentile interval of the mean of ``values`` [n]."""
    rng = np.random.default_rng(0)
    draws = rng.integers(0, len(values), (BOOTSTRAP_SAMPLES, len(values)))
    low, high = np.percentile(values[draws].mean(axis=1), [2.5, 97.5])
    return float(low), float(high)


def _result_path(directory: Path, seed: int, identity: int) -> Path:
    return directory / "attacks" / f"seed{seed}_identity{identity:04d}.json"


def _check_settings(directory: Path, settings: dict[str, Any]) -> None:
    path = directory / "sweep.json"
    if path.exists() and json.loads(path.read_text("utf-8")) != settings:
        raise ConfigError(f"{directory} holds a sweep with other settings; choose another folder.")
    write_json(path, settings)
