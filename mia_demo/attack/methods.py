"""How candidates move in stage 2: by the gradient, or by queries alone."""

from collections.abc import Callable
from dataclasses import dataclass

from mia_demo.attack.boundary import SPHERE_POINTS, BoundaryRepulsion
from mia_demo.attack.config import AttackConfig
from mia_demo.attack.genetic import Genetic
from mia_demo.attack.intermediate import IntermediateFeatures
from mia_demo.attack.optimisation import Optimisation
from mia_demo.attack.queries import FRESH, RandomSearch
from mia_demo.attack.search import Search, Told, all_confidences, label_alone

GRADIENT = "the gradient"
CONFIDENCES = "confidences"
LABEL = "the label alone"


@dataclass(frozen=True)
class Method:
    """
    Attributes:
        needs: what the attacker must get from the classifier.
        passes: of the classifier, in one step of one track.
        by_student: a student of each target is attacked in its place; see ``student``.
    """

    search: type[Search]
    needs: str
    passes: Callable[[AttackConfig], int]
    by_student: bool = False

    @property
    def told(self) -> Told:
        """What queries, and stages 1 and 3, learn of the classifier's softmax."""
        return label_alone if self.needs == LABEL else all_confidences

    @property
    def follows_gradient(self) -> bool:
        """Of the target or of its student."""
        return issubclass(self.search, Optimisation)

    def first_passes(self, config: AttackConfig) -> int:
        """Before the first step: one query per candidate."""
        return 0 if self.follows_gradient else config.candidates


METHODS: dict[str, Method] = {
    "gradient": Method(Optimisation, GRADIENT, lambda c: 2 * c.candidates * c.copies),
    "if_gmi": Method(IntermediateFeatures, GRADIENT, lambda c: 2 * c.candidates * c.copies),
    "student": Method(Optimisation, LABEL, lambda c: 2 * c.candidates * c.copies, by_student=True),
    "random": Method(RandomSearch, CONFIDENCES, lambda c: FRESH),
    "brep_mi": Method(BoundaryRepulsion, LABEL, lambda c: (SPHERE_POINTS + 1) * c.candidates),
    "mirror": Method(Genetic, CONFIDENCES, lambda c: c.candidates),
}
