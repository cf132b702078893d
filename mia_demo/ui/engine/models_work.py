"""Measuring the accuracy of everything that a visitor sees, as a stream of updates."""

from collections.abc import Generator, Sequence
from dataclasses import dataclass

from mia_demo.errors import ConfigError, DemoError
from mia_demo.ui.engine.networks import Networks
from mia_demo.visitors.own_people import People
from mia_demo.zoo.accuracy import AccuracyMeter, MeasuredAccuracy

MAX_TEST_PIXELS = 500_000_000  # of all test photos in memory, three bytes each


@dataclass(frozen=True)
class LoadedPeople:
    """People and the classifiers that one visitor sees of them, in order."""

    people: People
    lanes: Sequence[str]
    added: Sequence[str] = ()  # names among them that the visitor added


@dataclass(frozen=True)
class Accuracies:
    """Progress of the measurement."""

    results: dict[tuple[str, str], MeasuredAccuracy]  # by people's key and weights' sha256
    done: int
    total: int
    sentence: str  # for the visitor


def measure_again(
    groups: Sequence[LoadedPeople], networks: Networks
) -> Generator[Accuracies, None, None]:
    """Measures targets and evaluators of all groups; failures are reported at the end.

    Raises:
        ConfigError: too many test photos.
    """
    for group in groups:
        _check_size(group)
    total = sum(len(_names(group)) for group in groups)
    done = 0
    results: dict[tuple[str, str], MeasuredAccuracy] = {}
    problems: list[str] = []
    for group in groups:
        zoo = group.people.zoo
        meter = AccuracyMeter(zoo, networks.compute)
        for name in _names(group):
            sentence = f"Measuring {name}, {done + 1} of {total} …"
            yield Accuracies(dict(results), done, total, sentence)
            try:
                key = (group.people.key, zoo.entry(name).stored.sha256)
                results[key] = meter.measure(name)
            except DemoError as error:
                problems.append(str(error))
            done += 1
    wrong = [result.name for result in results.values() if not result.agrees]
    words = f"Measured {len(results)} classifiers on their test photos: "
    words += f"not what is stated: {', '.join(wrong)}." if wrong else "all as stated."
    yield Accuracies(dict(results), total, total, " ".join([words, *problems]))


def _names(group: LoadedPeople) -> list[str]:
    return [*group.lanes, *(entry.name for entry in group.people.zoo.entries("evaluator"))]


def _check_size(group: LoadedPeople) -> None:
    zoo = group.people.zoo
    photos = len(zoo.split_items(group.people.identities)["test"])
    largest = max((zoo.entry(name).input_size for name in _names(group)), default=0)
    if photos * largest**2 > MAX_TEST_PIXELS:
        raise ConfigError(
            f"{photos:,} test photos of {largest} px are too many for this page; use "
            "`python -m mia_demo doctor --accuracy`."
        )
