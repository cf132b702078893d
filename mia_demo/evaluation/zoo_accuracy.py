"""Is a zoo what it says? Its classifiers' accuracy, measured again on its own test images."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from mia_demo.device import Compute
from mia_demo.training.classifier import LabelledImages, accuracy
from mia_demo.zoo import Zoo

# Other hardware rounds differently, which turns a few close decisions.
TOLERATED_IMAGES = 2.5
TOLERATED_SHARE = 0.005


@dataclass(frozen=True)
class MeasuredAccuracy:
    """One classifier's accuracy in 0..1 on the test split.

    Attributes:
        stated: by the manifest; None if it states none.
        images: how many were looked at.
    """

    name: str
    stated: float | None
    measured: float
    images: int

    @property
    def agrees(self) -> bool:
        """Whether the difference can be rounding; without a stated value there is none."""
        if self.stated is None:
            return True
        tolerance = max(TOLERATED_IMAGES / self.images, TOLERATED_SHARE)
        return abs(self.measured - self.stated) <= tolerance


def measure_accuracies(zoo: Zoo, compute: Compute) -> Iterator[MeasuredAccuracy]:
    """Targets, then evaluators, one by one.

    Embedder and attribute heads were measured on public people, who are not part of a zoo.

    Raises:
        CheckpointError: a checkpoint is missing, damaged or of another architecture.
        DataError: the identities cannot be read, or leave nothing for the test.
    """
    identities = zoo.identities()
    tests: dict[int, LabelledImages] = {}  # by input size, which most classifiers share
    names = [*zoo.target_names(), *(entry.name for entry in zoo.entries("evaluator"))]
    for name in names:
        entry = zoo.entry(name)
        size = entry.input_size
        if size not in tests:
            tests[size] = LabelledImages(*zoo.split(identities, size, "test"))
        classifier = compute.place(zoo.load_classifier(name))
        measured = accuracy(classifier, tests[size], compute)
        yield MeasuredAccuracy(name, entry.test_accuracy, measured, len(tests[size].labels))
