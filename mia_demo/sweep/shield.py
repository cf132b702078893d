"""The board on which every defence meets every attack: a sweep for each attack, one matrix.

Every attack runs over the same identities and in the same lanes, with the same budget of classifier
passes in its optimisation. Its sweep lies in a folder of its own, so the board can be killed at any
moment and goes on, and ``torchrun`` shares it out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from mia_demo.attack.attack import Attacker
from mia_demo.attack.config import AttackConfig
from mia_demo.attack.methods import GRADIENT, METHODS
from mia_demo.attack.named import ATTACKS, classifier_passes, named_attack, with_budget
from mia_demo.errors import ConfigError
from mia_demo.metrics.estimates import Estimate, mean_over_identities
from mia_demo.metrics.recognition import identity_centres, recognised
from mia_demo.metrics.robustness import EPSILONS, PGD_STEPS, robust_accuracies
from mia_demo.sweep.distributed import Team, run_team_sweep
from mia_demo.sweep.judging import Judge
from mia_demo.sweep.sweep import SweepPlan, judge_again
from mia_demo.sweep.table import reconstructions
from mia_demo.training.classifier import LabelledImages, predict
from mia_demo.zoo.reading import Zoo

ALL = "all"
SURE = 0.9  # a target that is surer of a picture is convinced
ROBUSTNESS_PICTURES = 100  # test pictures that are perturbed


@dataclass(frozen=True)
class ShieldPlan:
    """Attacks by name with their settings, equal in lanes; see ``SweepPlan``."""

    attacks: Mapping[str, AttackConfig]
    identities: tuple[int, ...]
    seeds: tuple[int, ...]
    folder: Path

    @property
    def lanes(self) -> tuple[str, ...]:
        return next(iter(self.attacks.values())).lanes

    @property
    def total(self) -> int:
        return len(self.attacks) * len(self.identities) * len(self.seeds)

    def sweeps(self) -> Iterator[tuple[str, SweepPlan]]:
        """By attack, the plan of its sweep."""
        for name, config in self.attacks.items():
            yield name, SweepPlan(config, self.identities, self.seeds, self.folder / name)


def chosen_lanes(zoo: Zoo, names: str) -> tuple[str, ...]:
    """Targets of the zoo by their own names or those of their defences, ``all`` for every one.

    Raises:
        ConfigError: the zoo has no such target.
    """
    targets = {name: zoo.entry(name).defence for name in zoo.target_names()}
    if names == ALL:
        return tuple(targets)
    lanes: dict[str, None] = {}
    for wanted in names.split(","):
        found = [name for name, defence in targets.items() if wanted in (name, defence)]
        if not found:
            known = ", ".join(dict.fromkeys([*targets, *targets.values()]))
            raise ConfigError(
                f"This zoo has no target {wanted!r}; it has {known}. Train one with "
                "train --defence."
            )
        lanes |= dict.fromkeys(found)
    return tuple(lanes)


def chosen_attacks(
    names: str, preset: str, lanes: tuple[str, ...], passes: int | None
) -> dict[str, AttackConfig]:
    """Attacks at one budget.

    Args:
        names: comma-separated, or ``all``.
        passes: of the classifier in one optimisation; None: as many as the preset's gradient takes.
    """
    if passes is None:
        passes = classifier_passes(named_attack("cross_entropy", preset))["optimisation"]
    listed = list(ATTACKS) if names == ALL else names.split(",")
    return {name: with_budget(named_attack(name, preset, lanes=lanes), passes) for name in listed}


def run_shield(
    team: Team, attacker: Attacker, judge: Judge, plan: ShieldPlan
) -> Iterator[tuple[str, int]]:
    """Runs what is missing.

    Yields:
        The attack that is running, and how many attacks on an identity are done in all.

    Raises:
        ConfigError, PeerError: as ``run_team_sweep``.
    """
    before = 0
    for name, sweep in plan.sweeps():
        for done in run_team_sweep(team.for_part(name), attacker, judge, sweep):
            yield name, before + done
        before += sweep.total


def shield_matrix(attacker: Attacker, judge: Judge, plan: ShieldPlan) -> dict[str, Any]:
    """The finished board as JSON: what each attack needs and costs, and a row for each lane.

    Shares are of the kept reconstructions, with 95 % intervals over identities: in which the
    evaluator and the face embedder see the identity, of which the target is sure, and of which it
    is sure although both say no.
    """
    zoo = attacker.zoo
    jury = _Jury(zoo, judge)
    cells: dict[str, dict[str, Any]] = {lane: {} for lane in plan.lanes}
    for name, sweep in plan.sweeps():
        judge_again(judge, sweep, attacker.framing.picture_size)
        for position, lane in enumerate(plan.lanes):
            classifier = attacker.lane(lane).classifier
            pictures = reconstructions(zoo, sweep, position)
            confidences = predict(classifier, pictures.images, judge.compute).softmax(dim=1)
            sure = confidences.gather(1, pictures.labels[:, None]).squeeze(1) > SURE
            cells[lane][name] = jury.verdict(pictures, sure, len(plan.identities))
    return {
        "identities": list(plan.identities),
        "seeds": list(plan.seeds),
        "attacks": {
            name: {
                "needs": METHODS[config.method].needs,
                "passes": classifier_passes(config),
                "settings": {**config.to_json(), "identity": None, "seed": None},
            }
            for name, config in plan.attacks.items()
        },
        "robustness": {"epsilons": list(EPSILONS), "pgd_steps": PGD_STEPS},
        "matrix": [_row(attacker, judge, plan, lane, cells[lane]) for lane in plan.lanes],
    }


def masking_gap(cells: Mapping[str, Mapping[str, Any]], needs: Mapping[str, str]) -> float | None:
    """Best Acc@1 of the attacks with the gradient, minus the best of those without.

    Below 0, attacks that know less reach more: the gradient is masked, not the person. None where
    one of the two kinds was not run.

    Args:
        needs: by attack, what it needs; see ``methods``.
    """
    with_gradient = [cell["acc1"] for name, cell in cells.items() if needs[name] == GRADIENT]
    without = [cell["acc1"] for name, cell in cells.items() if needs[name] != GRADIENT]
    return max(with_gradient) - max(without) if with_gradient and without else None


class _Jury:
    """Both judges' answers, picture by picture."""

    def __init__(self, zoo: Zoo, judge: Judge) -> None:
        self.judge = judge
        size = zoo.entry("evaluator").input_size
        gallery = LabelledImages(*zoo.split(zoo.identities(), size, "train"))
        embeddings = predict(judge.embedder, gallery.images, judge.compute)
        self.centres, self.everybody = identity_centres(embeddings, gallery.labels)

    def verdict(self, pictures: LabelledImages, sure: Tensor, people: int) -> dict[str, Any]:
        """A cell: shares of the pictures, with intervals over the identities."""
        logits = predict(self.judge.evaluator, pictures.images, self.judge.compute)
        embeddings = predict(self.judge.embedder, pictures.images, self.judge.compute)
        seen = logits.argmax(dim=1) == pictures.labels
        known = recognised(embeddings, self.centres, self.everybody) == pictures.labels
        shares = {
            "acc1": seen,
            "face_rank1": known,
            "sure": sure,
            "convinced_but_wrong": sure & ~seen & ~known,
        }
        cell: dict[str, Any] = {}
        for name, holds in shares.items():
            by_person = holds.float().reshape(people, -1).mean(dim=1).numpy()
            cell |= _written(name, mean_over_identities(by_person))
        return cell


def _written(name: str, estimate: Estimate) -> dict[str, Any]:
    interval = list(estimate.interval) if estimate.interval else None
    return {name: estimate.value, f"{name}_ci95": interval}


def _row(
    attacker: Attacker, judge: Judge, plan: ShieldPlan, lane: str, cells: dict[str, Any]
) -> dict[str, Any]:
    entry = attacker.zoo.entry(lane)
    classifier = attacker.lane(lane).classifier
    test = _some_test_pictures(attacker.zoo, classifier.input_size)
    needs = {name: METHODS[config.method].needs for name, config in plan.attacks.items()}
    return {
        "lane": lane,
        "defence": entry.defence,
        "strengths": entry.strengths,
        "alpha": entry.alpha,
        "test_accuracy": entry.test_accuracy,
        "robust_accuracy": robust_accuracies(classifier, test, judge.compute, EPSILONS),
        "gradient_gap": masking_gap(cells, needs),
        "cells": cells,
    }


def _some_test_pictures(zoo: Zoo, size: int) -> LabelledImages:
    """Every n-th of the test split, so that all identities are among them."""
    identities = zoo.identities()
    items: Sequence[Any] = zoo.split_items(identities)["test"]
    stride = max(1, len(items) // ROBUSTNESS_PICTURES)
    return LabelledImages(*identities.items(size, items[::stride]))
