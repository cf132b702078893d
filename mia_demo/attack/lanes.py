"""A lane: one target classifier inside a side-by-side attack.

A lane's name may give each stage a classifier of its own, ``sampling>optimisation>selection``,
such as ``zero>negative>zero``: that shows in which stage smoothing bites.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mia_demo.errors import ConfigError
from mia_demo.models.classifiers import Classifier
from mia_demo.models.folding import fold_batch_norms, with_weights_in
from mia_demo.system.device import Compute
from mia_demo.zoo.reading import Zoo

STAGE_SEPARATOR = ">"


def stage_names(lane: str) -> tuple[str, str, str]:
    """The targets that serve sampling, optimisation and selection.

    Raises:
        ConfigError: neither one name nor three.
    """
    names = tuple(lane.split(STAGE_SEPARATOR))
    if len(names) == 1:
        return names * 3
    if len(names) != 3:
        raise ConfigError(
            f"Lane {lane!r} must be one target, or three: sampling>optimisation>selection."
        )
    return names


def check_lane(name: str, known: Sequence[str]) -> None:
    """
    Raises:
        ConfigError: no such lane is known.
    """
    if name not in known:
        raise ConfigError(f"No lane {name!r}; this zoo has {', '.join(known)}.")


@dataclass(frozen=True)
class Lane:
    """A frozen target classifier on the device, with what the page says about it.

    Attributes:
        test_accuracy: None where nobody measured it (converted weights).
        classifier: in float32.
        attacked: in the device's precision, for calls under autocast.
    """

    name: str
    alpha: float
    test_accuracy: float | None
    classifier: Classifier
    attacked: Classifier

    @staticmethod
    def load(zoo: Zoo, name: str, compute: Compute) -> Lane:
        entry = zoo.entry(name)
        classifier = compute.place(fold_batch_norms(zoo.load_classifier(name)))
        return Lane(
            name=name,
            alpha=entry.alpha or 0.0,
            test_accuracy=entry.test_accuracy,
            classifier=classifier,
            attacked=with_weights_in(classifier, compute.dtype),
        )
