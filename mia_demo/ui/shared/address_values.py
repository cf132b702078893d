"""Parsers of settings in a link, from text to the field's value.

Each raises ValueError for a wrong text. Its message is not shown, because a wrong value in a link
is named and then ignored.
"""

import math
from collections.abc import Callable, Iterable
from typing import Any

Reader = Callable[[str], Any]


def whole(low: int, high: int) -> Reader:
    """A whole number in low..high."""
    return number(low, high, parse=int)


def number(
    low: float = -math.inf, high: float = math.inf, *, parse: Callable[[str], float] = float
) -> Reader:
    """A number in low..high; never nan or infinity."""

    def read(text: str) -> float:
        value = parse(text)
        if not (low <= value <= high and math.isfinite(value)):
            raise ValueError(text)
        return value

    return read


def one_of(choices: Callable[[], Iterable[str]]) -> Reader:
    """One of the current choices."""

    def read(text: str) -> str:
        if text not in choices():
            raise ValueError(text)
        return text

    return read


def some_of(choices: Callable[[], Iterable[str]]) -> Reader:
    """At least one name, separated by commas; given back in the order of the choices."""

    def read(text: str) -> list[str]:
        known, wanted = list(choices()), text.split(",")
        if not set(wanted) <= set(known):
            raise ValueError(text)
        return [name for name in known if name in wanted]

    return read


def accepted_by(check: Callable[[str], object]) -> Reader:
    """Text that passes a check, which raises DemoError otherwise."""

    def read(text: str) -> str:
        check(text)
        return text

    return read
