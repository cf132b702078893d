"""A lane: one target classifier inside a side-by-side attack."""

from __future__ import annotations

from dataclasses import dataclass

from mia_demo.device import Compute
from mia_demo.models.classifiers import Classifier
from mia_demo.zoo import Zoo


@dataclass(frozen=True)
class Lane:
    """A frozen target classifier on the device, with what the page says about it."""

    name: str
    alpha: float
    test_accuracy: float
    classifier: Classifier

    @staticmethod
    def load(zoo: Zoo, name: str, compute: Compute) -> Lane:
        entry = zoo.entry(name)
        classifier = zoo.load_classifier(name)
        return Lane(
            name=name,
            alpha=entry.alpha or 0.0,
            test_accuracy=entry.test_accuracy or 0.0,
            classifier=compute.place(classifier),
        )
