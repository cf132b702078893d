"""What a board of defences and attacks consists of: targets, attacks, and whom they look for."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from mia_demo.attack.config import AttackConfig
from mia_demo.attack.methods import GRADIENT, METHODS
from mia_demo.attack.named import ATTACKS, classifier_passes, named_attack, with_budget
from mia_demo.errors import ConfigError
from mia_demo.sweep.pooling import target_of
from mia_demo.sweep.sweep import SweepPlan
from mia_demo.zoo.reading import Zoo

ALL = "all"


@dataclass(frozen=True)
class ShieldPlan:
    """Targets, and attacks by name with their settings; see ``SweepPlan``.

    Attributes:
        identities, blind_identities: whom attacks that have the gradient, and those that lack it,
            look for.
    """

    lanes: tuple[str, ...]
    attacks: Mapping[str, AttackConfig]
    identities: tuple[int, ...]
    blind_identities: tuple[int, ...]
    seeds: tuple[int, ...]
    folder: Path

    @property
    def total(self) -> int:
        return sum(sweep.total for lane in self.lanes for _, sweep in self.cells(lane))

    @property
    def everybody(self) -> list[int]:
        """Whom any attack looks for, in ascending order."""
        return sorted({n for _, sweep in self.cells("") for n in sweep.identities})

    def cells(self, lane: str) -> Iterator[tuple[str, SweepPlan]]:
        """By attack, the plan of a target's sweep."""
        for name, config in self.attacks.items():
            alone = replace(config, lanes=(lane,))
            informed = METHODS[config.method].needs == GRADIENT
            people = self.identities if informed else self.blind_identities
            yield name, SweepPlan(alone, people, self.seeds, self.folder / lane / name)


def chosen_lanes(zoo: Zoo, names: str) -> tuple[str, ...]:
    """Targets of the zoo by their own names or those of their defences, ``all`` for every one.

    ``zero`` also means its other trainings, such as ``zero@43``.

    Raises:
        ConfigError: the zoo has no such target.
    """
    targets = {name: zoo.entry(name).defence for name in zoo.target_names()}
    if names == ALL:
        return tuple(targets)
    lanes: dict[str, None] = {}
    for wanted in names.split(","):
        found = [
            name for name, defence in targets.items() if wanted in (name, target_of(name), defence)
        ]
        if not found:
            known = ", ".join(dict.fromkeys([*targets, *targets.values()]))
            raise ConfigError(
                f"This zoo has no target {wanted!r}; it has {known}. Train one with "
                "train --defence."
            )
        lanes |= dict.fromkeys(found)
    return tuple(lanes)


def chosen_attacks(names: str, preset: str, passes: int | None) -> dict[str, AttackConfig]:
    """Attacks at one budget.

    Args:
        names: comma-separated, or ``all``.
        passes: of the classifier in one optimisation; None: as many as the preset's gradient takes.

    Raises:
        ConfigError: no such attack, or one without a name.
    """
    if passes is None:
        passes = classifier_passes(named_attack("cross_entropy", preset))["optimisation"]
    listed = list(ATTACKS) if names == ALL else names.split(",")
    if "" in listed:
        raise ConfigError(f"{names!r} is not a list of attacks such as poincare,taa.")
    return {name: with_budget(named_attack(name, preset), passes) for name in listed}
