"""How candidates move in stage 2: by the gradient, or by queries alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Protocol

import torch
from torch import Tensor

from mia_demo.attack.boundary import SPHERE_POINTS, BoundaryRepulsion
from mia_demo.attack.config import AttackConfig
from mia_demo.attack.genetic import Genetic
from mia_demo.attack.intermediate import IntermediateFeatures
from mia_demo.attack.optimisation import Optimisation, StepRecord
from mia_demo.attack.queries import QuerySearch
from mia_demo.attack.random_search import FRESH, RandomSearch
from mia_demo.attack.told import Told, all_confidences, label_alone

GRADIENT = "the gradient"
CONFIDENCES = "confidences"
LABEL = "the label alone"


class Search(Protocol):
    """Candidates of several tracks on their way; see ``optimisation`` for tracks."""

    def step(self, rng: torch.Generator) -> StepRecord:
        """Moves every candidate once."""

    def styles(self) -> Tensor:
        """The candidates as they are now: [T, K, w_dim] on the CPU."""

    def pictures(self) -> Tensor | None:
        """Their pictures [T, K, 3, R, R] on the CPU where no style makes them, else None."""


@dataclass(frozen=True)
class Method:
    """
    Attributes:
        search: takes renderer, lanes, identities, start, config, and ``prior``, public styles.
        needs: what the attacker must get from the classifier.
        passes: of the classifier, in one step of one track.
        first_passes: before the first step.
        by_student: a student of each target is attacked in its place; see ``student``.
    """

    search: Callable[..., Search]
    needs: str
    passes: Callable[[AttackConfig], int]
    first_passes: Callable[[AttackConfig], int] = lambda config: 0
    by_student: bool = False

    @property
    def told(self) -> Told:
        """What stages 1 and 3 learn of the classifier's softmax."""
        return label_alone if self.needs == LABEL else all_confidences

    @property
    def follows_gradient(self) -> bool:
        """Of the target or of its student."""
        return self.search in (Optimisation, IntermediateFeatures)

    @property
    def is_separable(self) -> bool:
        """Candidates do not influence each other, so that some may wait their turn."""
        return self.follows_gradient


def by_queries(
    search: type[QuerySearch], needs: str, passes: Callable[[AttackConfig], int]
) -> Method:
    """One query per candidate first, then ``passes`` per step."""
    told = label_alone if needs == LABEL else all_confidences
    return Method(partial(search, told=told), needs, passes, lambda c: c.candidates)


METHODS: dict[str, Method] = {
    "gradient": Method(Optimisation, GRADIENT, lambda c: 2 * c.candidates * c.copies),
    "if_gmi": Method(IntermediateFeatures, GRADIENT, lambda c: 2 * c.candidates * c.copies),
    "student": Method(Optimisation, LABEL, lambda c: 2 * c.candidates * c.copies, by_student=True),
    "random": by_queries(RandomSearch, CONFIDENCES, lambda c: FRESH),
    "brep_mi": by_queries(BoundaryRepulsion, LABEL, lambda c: (SPHERE_POINTS + 1) * c.candidates),
    "mirror": by_queries(Genetic, CONFIDENCES, lambda c: c.candidates),
}
