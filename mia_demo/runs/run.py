"""What every kind of kept run has: what lists, comparisons and repetitions need of it."""

from typing import Protocol

from mia_demo.runs.origin import Origin


class Run(Protocol):
    """A kept attack, training or sweep."""

    @property
    def kind(self) -> str:
        """``attack``, ``training`` or ``sweep``."""

    @property
    def key(self) -> str:
        """Names it, here and on the page; folders are never built from a visitor's words."""

    @property
    def is_recorded(self) -> bool:
        """Whether it came with the zoo."""

    @property
    def name(self) -> str:
        """What a visitor calls it; may be empty."""

    @property
    def title(self) -> str:
        """The name, or what tells the run from others of its kind."""

    @property
    def date(self) -> str:
        """UTC, ISO 8601; empty where it was not noted."""

    @property
    def origin(self) -> Origin | None:
        """Where it was computed, with which versions and networks; None without a result."""

    def command(self) -> str:
        """The command line that repeats it."""

    def facts(self) -> dict[str, str]:
        """Settings and origin by name, to compare with those of another run of the kind."""


def setting_differences(first: Run, second: Run) -> list[dict[str, str]]:
    """The facts in which two runs of a kind differ, each with its value in either."""
    one, other = first.facts(), second.facts()
    return [
        {"setting": name, "first": one.get(name, "–"), "second": other.get(name, "–")}
        for name in dict.fromkeys([*one, *other])
        if one.get(name) != other.get(name)
    ]
