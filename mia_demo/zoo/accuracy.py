"""Is a zoo what it says? Its classifiers' accuracy, measured again on its own test images."""

from collections.abc import Iterator
from dataclasses import dataclass

from mia_demo.system.device import Compute
from mia_demo.training.classifier import LabelledImages, accuracy
from mia_demo.zoo.reading import Zoo

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


class AccuracyMeter:
    """Measures a zoo's classifiers; its test images are read once.

    Raises:
        DataError: the identities cannot be read.
    """

    def __init__(self, zoo: Zoo, compute: Compute) -> None:
        self.zoo = zoo
        self.compute = compute
        self._identities = zoo.identities()
        self._tests: dict[int, LabelledImages] = {}  # by input size, which most share

    def measure(self, name: str) -> MeasuredAccuracy:
        """
        Raises:
            CheckpointError: the checkpoint is missing, damaged or of another architecture.
            DataError: the identities leave nothing for the test.
        """
        entry = self.zoo.entry(name)
        size = entry.input_size
        if size not in self._tests:
            self._tests[size] = LabelledImages(*self.zoo.split(self._identities, size, "test"))
        classifier = self.compute.place(self.zoo.load_classifier(name))
        measured = accuracy(classifier, self._tests[size], self.compute)
        return MeasuredAccuracy(name, entry.test_accuracy, measured, len(self._tests[size].labels))


def measure_accuracies(zoo: Zoo, compute: Compute) -> Iterator[MeasuredAccuracy]:
    """Targets, then evaluators, one by one; see ``AccuracyMeter``.

    Embedder and attribute heads were measured on public people, who are not part of a zoo.
    """
    meter = AccuracyMeter(zoo, compute)
    for name in [*zoo.target_names(), *(entry.name for entry in zoo.entries("evaluator"))]:
        yield meter.measure(name)
