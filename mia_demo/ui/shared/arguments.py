"""Values that arrive from a browser or a program, against what a handler says that it takes."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import lru_cache
from inspect import Parameter, signature
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

import gradio as gr

from mia_demo.errors import ConfigError


class MisfitError(ConfigError):
    """A request that no page of ours sends: too few values, or values of other types."""


def check_arguments(handler: Callable[..., Any], values: Sequence[Any]) -> None:
    """Compares values with the handler's type hints, whole numbers and fractions being one.

    Raises:
        MisfitError: too few or too many, or of other types.
    """
    wanted, has_more = _wanted(handler)
    required = sum(default is Parameter.empty for *_, default in wanted)
    if len(values) < required or (len(values) > len(wanted) and not has_more):
        raise MisfitError(f"{len(values)} values were sent, but {len(wanted)} are needed.")
    for (name, hint, _), value in zip(wanted, values, strict=False):
        if not _fits(hint, value):
            raise MisfitError(f"{name} is of another type than needed; reload the page.")


def defaults_after(handler: Callable[..., Any], given: int) -> list[Any]:
    """Values that a program may leave out, such as those that came with a newer version."""
    left_out = [default for *_, default in _wanted(handler)[0][given:]]
    return [] if Parameter.empty in left_out else left_out


@lru_cache(maxsize=1000)
def _wanted(handler: Callable[..., Any]) -> tuple[list[tuple[str, Any, Any]], bool]:
    """Name, type and default of each of a handler's values, and whether it takes more."""
    hints = get_type_hints(handler)
    wanted, has_more = [], False
    for parameter in signature(handler).parameters.values():
        hint = hints.get(parameter.name, Any)
        if parameter.kind is parameter.VAR_POSITIONAL:
            has_more = True
        elif not _is_request(hint) and parameter.kind is not parameter.KEYWORD_ONLY:
            wanted.append((parameter.name, hint, parameter.default))
    return wanted, has_more


def _is_request(hint: Any) -> bool:
    return hint is gr.Request or gr.Request in get_args(hint)


def _fits(hint: Any, value: Any) -> bool:
    origin, parts = get_origin(hint), get_args(hint)
    if hint is Any or hint is object:
        return True
    if hint in (None, NoneType):
        return value is None
    if origin in (Union, UnionType):
        return any(_fits(part, value) for part in parts)
    if origin in (list, Sequence):
        return isinstance(value, list) and all(_fits(parts[0], item) for item in value)
    if dict in (hint, origin):
        return isinstance(value, dict)
    if hint in (int, float):
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        return is_number and abs(value) < 2**63 and not math.isnan(value)
    return isinstance(value, hint)
