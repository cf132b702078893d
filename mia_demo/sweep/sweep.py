"""Many attacks, one table: identities x seeds, all lanes side by side, resumable.

Identities are attacked in groups that fill the device: one at a time on a CPU, more on a GPU.

Every attack's result is a sheet of its kept images and a small JSON file, written last and
atomically. So a sweep can be killed at any moment: what is there is not done again, and nothing
counts twice. A verdict knows its judges: when they have changed, the saved images are judged
again; when a target or the prior has changed, the sweep is another one.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from mia_demo.attack.attack import Attacker
from mia_demo.attack.config import AttackConfig
from mia_demo.attack.lanes import stage_names
from mia_demo.data.pictures import read_picture
from mia_demo.errors import ConfigError, DataError
from mia_demo.sweep.curves import curve_points, over_chunks
from mia_demo.sweep.judging import Judge, open_attribute_judge
from mia_demo.sweep.saved_attack import SavedAttack, save_sheet
from mia_demo.system.files import write_json
from mia_demo.system.json_files import checked, read_json

MAX_NUMBERS = 10_000  # a longer list is a typo, or an attack on memory

CURVE_POINTS = 10


@dataclass(frozen=True)
class SweepPlan:
    """What to attack, and where the results land.

    Attributes:
        config: lanes and knobs; identity and seed of the attacks are those below.
        folder: ``folder/attacks`` gets a sheet and a result for every attack.
    """

    config: AttackConfig
    identities: tuple[int, ...]
    seeds: tuple[int, ...]
    folder: Path

    @property
    def total(self) -> int:
        return len(self.identities) * len(self.seeds)

    def finished(self) -> list[tuple[int, int]]:
        """(seed, identity) of the attacks that are done, in the order of ``run_sweep``."""
        return [
            (seed, identity)
            for seed in self.seeds
            for identity in self.identities
            if self.files(seed, identity)[1].exists()
        ]

    def finished_part(self) -> "SweepPlan | None":
        """The largest plan for which everything is done: a table can be made of it.

        All identities with the seeds that are complete; before the first seed is complete, the
        identities that one seed has. None before the first attack.
        """
        done = self.finished()
        by_seed = {seed: tuple(i for s, i in done if s == seed) for seed in self.seeds}
        complete = tuple(s for s, found in by_seed.items() if len(found) == len(self.identities))
        if complete:
            return replace(self, seeds=complete)
        seed, found = max(by_seed.items(), key=lambda item: len(item[1]))
        return replace(self, identities=found, seeds=(seed,)) if found else None

    def files(self, seed: int, identity: int) -> tuple[Path, Path]:
        """Sheet of kept pictures and figures of one attack; with the figures it is complete."""
        stem = f"seed{seed}_identity{identity:04d}"
        return self.folder / "attacks" / f"{stem}.png", self.folder / "attacks" / f"{stem}.json"

    def results(self) -> Iterator[dict[str, Any]]:
        """What is saved of every attack, ordered by identity, then seed; raises as ``result``."""
        return (self.result(seed, identity) for identity in self.identities for seed in self.seeds)

    def result(self, seed: int, identity: int) -> dict[str, Any]:
        """The figures of one attack, a ``SavedAttack``.

        Raises:
            DataError: they are missing, damaged, or of other settings.
        """
        _, path = self.files(seed, identity)
        try:
            result: dict[str, Any] = dict(checked(SavedAttack, read_json(path), "result"))
            if (result["seed"], result["identity"]) != (seed, identity):
                raise ValueError("it is another attack's")
            if list(result["lanes"]) != list(self.config.lanes):
                raise ValueError("other lanes than the sweep's")
            for name, lane in result["lanes"].items():
                if not len(lane["top1"]) == len(lane["nearest"]) == self.config.kept:
                    raise ValueError(f"lane {name} has not one verdict per picture")
        except (OSError, ValueError) as error:
            raise DataError(f"{path} is damaged ({error}); delete it to attack again.") from error
        return result

    def pictures(self, seed: int, identity: int, size: int) -> Tensor:
        """Kept pictures of one attack: uint8 [L, K, 3, R, R], lanes in the sweep's order.

        Args:
            size: R, the zoo's ``Framing.picture_size``.

        Raises:
            DataError: they are missing or damaged.
        """
        path, result_path = self.files(seed, identity)
        try:
            rows, columns = len(self.config.lanes), self.config.kept
            wanted = rows * columns * size**2
            pixels = torch.from_numpy(read_picture(path, "PNG", most=wanted))
            if pixels.shape != (rows * size, columns * size, 3):
                raise ValueError("another number of pictures")
        except (OSError, ValueError) as error:
            raise DataError(
                f"{path} is damaged ({error}); delete {result_path.name} to attack again."
            ) from error
        return pixels.reshape(rows, size, columns, size, 3).permute(0, 2, 4, 1, 3).contiguous()


def parse_numbers(text: str) -> list[int]:
    """``0-3,7`` -> [0, 1, 2, 3, 7].

    Raises:
        ConfigError: not numbers and ranges, a number twice, or too many.
    """
    numbers: list[int] = []
    try:
        for part in text.split(","):
            first, _, last = part.partition("-")
            start, stop = int(first), int(last or first) + 1
            if len(numbers) + stop - start > MAX_NUMBERS:
                raise ConfigError(f"{text!r} names more than {MAX_NUMBERS} numbers; name fewer.")
            numbers += range(start, stop)
    except ValueError as error:
        message = f"{text!r} is not a list such as 0-9,17; write numbers and ranges."
        raise ConfigError(message) from error
    if not numbers or len(set(numbers)) != len(numbers):
        raise ConfigError(f"{text!r} names nothing, or something twice; name each number once.")
    return numbers


def run_sweep(attacker: Attacker, judge: Judge, plan: SweepPlan) -> Iterator[tuple[int, int]]:
    """Attacks every identity with every seed, but for what is done already.

    Yields:
        Seed and identity of each attack, once it is done.

    Raises:
        ConfigError: the folder holds a sweep with other settings, or of other classifiers; or
            somebody cannot be attacked or judged.
        CheckpointError: a network is damaged.
    """
    base, identities = plan.config, plan.identities
    attacked = dict.fromkeys(name for lane in base.lanes for name in stage_names(lane))
    _check_people(attacker, judge, plan, attacked)
    settings = {
        **base.to_json(),
        "identity": None,
        "seed": None,
        "checkpoints": {
            name: attacker.zoo.entry(name).stored.sha256 for name in ("prior", *attacked)
        },
    }
    _check_settings(plan.folder, settings)
    size = attacker.group_size(base)
    for seed in plan.seeds:
        for start in range(0, len(identities), size):
            group = identities[start : start + size]
            missing = [i for i in group if not plan.files(seed, i)[1].exists()]
            if missing:
                # The whole group again, so that a resumed sweep computes the same batches.
                _attack_group(attacker, judge, plan, seed, group)
            for identity in group:
                yield seed, identity


def _check_people(
    attacker: Attacker, judge: Judge, plan: SweepPlan, attacked: Iterable[str]
) -> None:
    """Whether all can be attacked and judged, before hours go into the first of them."""
    open_attribute_judge(judge.zoo, judge.compute)  # reports damaged heads now
    lanes = [attacker.lane(name) for name in attacked]
    known = min(lane.classifier.num_classes for lane in lanes)
    if max(plan.identities) >= known:
        raise ConfigError(
            f"Identity {max(plan.identities)} does not exist; numbers run from 0 to {known - 1}."
        )
    judge.check(plan.identities)


def _attack_group(
    attacker: Attacker, judge: Judge, plan: SweepPlan, seed: int, group: Sequence[int]
) -> None:
    """Attacks a few identities in one batch and saves each."""
    config = replace(plan.config, seed=seed)
    every = max(1, config.steps // CURVE_POINTS)
    watched = []
    for frames in attacker.run_group(config, group, every=every):
        pairs = zip(frames, group, strict=True)
        watched.append([curve_points(frame, i, config.steps) for frame, i in pairs])
    for position, (identity, frame) in enumerate(zip(group, frames, strict=True)):
        lanes = {}
        for index, lane in enumerate(frame.lanes):
            verdict = judge.judge(lane.images, identity)
            points = [step[position][index] for step in watched if step[position]]
            lanes[lane.name] = {
                **asdict(verdict),
                "alpha": lane.alpha,
                "test_accuracy": lane.test_accuracy,
                "target_confidence": lane.target_confidence,
                "curve": over_chunks(points),
            }
        sheet_path, result_path = plan.files(seed, identity)
        save_sheet(sheet_path, frame)
        result = {
            "identity": identity,
            "seed": seed,
            "seconds": frame.seconds,
            "judges": judge.checkpoints,
        }
        write_json(result_path, {**result, "lanes": lanes})


def judge_again(judge: Judge, plan: SweepPlan, size: int) -> None:
    """Replaces the verdicts of other judges, from a finished sweep's images of ``size`` pixels.

    Curves stay as the first evaluator saw them: pictures of single steps are not kept.
    """
    for result in plan.results():
        if result["judges"] == judge.checkpoints:
            continue
        seed, identity = result["seed"], result["identity"]
        sheet = plan.pictures(seed, identity, size).permute(0, 1, 3, 4, 2).numpy()
        for lane, images in zip(result["lanes"].values(), sheet, strict=True):
            lane.update(asdict(judge.judge(images, identity)))
        result["judges"] = judge.checkpoints
        write_json(plan.files(seed, identity)[1], result)


def _check_settings(directory: Path, settings: dict[str, Any]) -> None:
    path = directory / "sweep.json"
    try:
        is_other = path.exists() and read_json(path) != settings
    except ValueError as error:
        raise DataError(f"{path} is damaged ({error}); choose another folder.") from error
    if is_other:
        raise ConfigError(
            f"{directory} holds a sweep with other settings or classifiers; choose another folder."
        )
    write_json(path, settings)
