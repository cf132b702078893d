"""Rules for values that were read from JSON: their types and ranges, checked in one place.

A dataclass says them where it says its fields: ``seed: Annotated[int, whole_in(0, 9)] = 0``.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, dataclass, fields
from functools import cache
from typing import Annotated, Any, get_origin, get_type_hints

from mia_demo.errors import CheckpointError

MAX_DEPTH = 8  # of lists and objects within each other
MAX_QUOTED = 100  # characters of a foreign word that a message repeats


@dataclass(frozen=True)
class Rule:
    """What a value must be.

    Attributes:
        holds: whether a value is so.
        words: the same in words: "must be …".
    """

    holds: Callable[[Any], bool]
    words: str


def whole_in(low: int, high: int) -> Rule:
    return Rule(lambda v: type(v) is int and low <= v <= high, f"a whole number in {low} to {high}")


def number_in(low: float, high: float) -> Rule:
    """Of any size in JSON, so that it is compared before it is made a float; NaN is in no range."""
    return Rule(
        lambda v: type(v) in (int, float) and low <= v <= high, f"a number in {low:g} to {high:g}"
    )


def text(max_length: int) -> Rule:
    return Rule(
        lambda v: isinstance(v, str) and len(v) <= max_length and _is_unicode(v),
        f"text of at most {max_length} characters",
    )


def word(pattern: str, words: str) -> Rule:
    return Rule(lambda v: isinstance(v, str) and re.fullmatch(pattern, v) is not None, words)


def word_of(*choices: str) -> Rule:
    return Rule(lambda v: v in choices if isinstance(v, str) else False, " or ".join(choices))


def optional(rule: Rule) -> Rule:
    return Rule(lambda v: v is None or rule.holds(v), f"{rule.words}, or null")


def items(rule: Rule, max_length: int) -> Rule:
    return Rule(
        lambda v: isinstance(v, list) and len(v) <= max_length and all(map(rule.holds, v)),
        f"a list of at most {max_length} values, each {rule.words}",
    )


def named(rule: Rule, max_length: int = 1000) -> Rule:
    """An object whose values obey a rule."""
    return Rule(
        lambda v: isinstance(v, dict) and len(v) <= max_length and all(map(rule.holds, v.values())),
        f"an object of at most {max_length} values, each {rule.words}",
    )


def plain_object() -> Rule:
    """Any object that is not nested without end."""
    return Rule(
        lambda v: isinstance(v, dict) and _depth_within(v, MAX_DEPTH),
        f"an object, nested at most {MAX_DEPTH} deep",
    )


def check_values(
    values: Any, rules: Mapping[str, Rule], owner: str, *, required: Sequence[str] = ()
) -> None:
    """
    Raises:
        CheckpointError: not an object of exactly these names and kinds of values.
    """
    if not isinstance(values, dict):
        raise CheckpointError(f"{owner} must be a JSON object.")
    for name in required:
        if name not in values:
            raise CheckpointError(f"{owner} lacks {name}.")
    for name, value in values.items():
        if name not in rules:
            raise CheckpointError(f"{owner} has an unknown field {quoted(name)}.")
        if not rules[name].holds(value):
            raise CheckpointError(f"{owner}: {name} must be {rules[name].words}.")


@cache
def rules_of(kind: Any) -> dict[str, Rule]:
    """The rules of a dataclass's fields, as far as they have some."""
    hints = get_type_hints(kind, include_extras=True)
    return {name: h.__metadata__[0] for name, h in hints.items() if get_origin(h) is Annotated}


def check_fields(values: Any, owner: str, *kinds: Any) -> None:
    """``check_values`` for an object with the fields of these dataclasses.

    Raises:
        CheckpointError: as there.
    """
    rules = {name: rule for kind in kinds for name, rule in rules_of(kind).items()}
    required = [
        field.name
        for kind in kinds
        for field in fields(kind)
        if field.name in rules and field.default is field.default_factory is MISSING
    ]
    check_values(values, rules, owner, required=required)


def quoted(word: str) -> str:
    """A foreign word, fit for a message."""
    return ascii(word[:MAX_QUOTED])


def _is_unicode(value: str) -> bool:
    return not any("\ud800" <= letter <= "\udfff" for letter in value)


def _depth_within(value: Any, depth: int) -> bool:
    if isinstance(value, str):
        return _is_unicode(value)
    if not isinstance(value, (dict, list)):
        return True
    if isinstance(value, dict) and not all(map(_is_unicode, value)):
        return False
    members = value.values() if isinstance(value, dict) else value
    return depth > 0 and all(_depth_within(member, depth - 1) for member in members)
