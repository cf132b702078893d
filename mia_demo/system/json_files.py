"""JSON that may be damaged or hostile: read with every fault as ``ValueError``, types checked."""

import json
import re
from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints, is_typeddict

from mia_demo.errors import DemoError

HALF_PAIR = re.compile("[\ud800-\udfff]")
MAX_INTEGER = 2**63 - 1  # larger ones fit neither torch nor numpy

Checked = TypeVar("Checked")


def read_json(path: Path) -> Any:
    """
    Raises:
        OSError: the file cannot be read.
        ValueError: it is not valid JSON, or nested too deeply.
    """
    return parse_json(path.read_text("utf-8"))


def parse_json(text: str | bytes) -> Any:
    """
    Raises:
        ValueError: the text is not valid JSON, or nested too deeply.
    """
    try:
        return json.loads(text)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def checked(kind: type[Checked], value: Any, place: str = "value") -> Checked:
    """A JSON value as the type that it should be of, to any depth.

    Args:
        kind: a plain type, list, tuple, dictionary, union, literal, ``TypedDict`` (further keys
            are kept) or dataclass (there are no further keys).
        place: of the value, for errors.

    Raises:
        ValueError: it is of another type, out of range, lacks a key or has one too many.
    """
    found: Checked = _checked(kind, value, place)
    return found


def _checked(kind: Any, value: Any, place: str) -> Any:
    origin = get_origin(kind)
    if kind is Any:
        return value
    if origin in (Union, UnionType):
        return _one_of(get_args(kind), value, place)
    if origin is Literal:
        _require(value in get_args(kind), place, " or ".join(map(str, get_args(kind))), value)
        return value
    if origin in (list, tuple, dict):
        return _container(origin, get_args(kind), value, place)
    if is_typeddict(kind):
        _require(isinstance(value, dict), place, "an object", value)
        return {**value, **_items(kind, kind.__required_keys__, value, place)}
    if is_dataclass(kind):
        return _record(kind, value, place)
    return _plain(kind, value, place)


def _plain(kind: Any, value: Any, place: str) -> Any:
    words = {str: "text", bool: "true or false", int: "a whole number", float: "a number"}
    if kind in (int, float) and type(value) is int:
        _require(abs(value) <= MAX_INTEGER, place, "at most 2**63 - 1", value)
    elif kind is float:
        # NaN and infinity are not JSON, but json reads them.
        _require(type(value) is float and abs(value) < float("inf"), place, words[kind], value)
    else:
        _require(type(value) is kind, place, words[kind], value)
    if kind is str:  # half a pair is no character, and no page can show it
        _require(not HALF_PAIR.search(value), place, "text of whole characters", value)
    return value


def _one_of(kinds: tuple[Any, ...], value: Any, place: str) -> Any:
    if value is None and NoneType in kinds:
        return None
    *others, last = (kind for kind in kinds if kind is not NoneType)
    for kind in others:
        try:
            return _checked(kind, value, place)
        except ValueError:
            continue
    return _checked(last, value, place)


def _container(origin: Any, arguments: tuple[Any, ...], value: Any, place: str) -> Any:
    if origin is dict:
        _require(isinstance(value, dict), place, "an object", value)
        return {
            _checked(str, k, f"{place}: a key"): _checked(arguments[1], v, f"{place}.{k}")
            for k, v in value.items()
        }
    _require(isinstance(value, list), place, "a list", value)
    kinds = [arguments[0]] * len(value)
    if origin is tuple and Ellipsis not in arguments:
        _require(len(value) == len(arguments), place, f"{len(arguments)} values", value)
        kinds = list(arguments)
    pairs = enumerate(zip(kinds, value, strict=True))
    return origin(_checked(kind, item, f"{place}[{n}]") for n, (kind, item) in pairs)


def _record(kind: Any, value: Any, place: str) -> Any:
    _require(isinstance(value, dict), place, "an object", value)
    unknown = set(value) - {field.name for field in fields(kind)}
    if unknown:
        raise ValueError(f"{place} has an unknown key {min(unknown)[:40]!r}")
    required = {
        field.name
        for field in fields(kind)
        if field.default is MISSING and field.default_factory is MISSING
    }
    try:
        return kind(**_items(kind, required, value, place))
    except DemoError as error:  # from the dataclass's own checks
        raise ValueError(f"{place}: {error}") from error


def _items(kind: Any, required: Any, value: dict[str, Any], place: str) -> dict[str, Any]:
    missing = set(required) - set(value)
    if missing:
        raise ValueError(f"{place} lacks {', '.join(sorted(missing))}")
    hints = _hints(kind)
    return {k: _checked(hints[k], v, f"{place}.{k}") for k, v in value.items() if k in hints}


@cache
def _hints(kind: Any) -> dict[str, Any]:
    return get_type_hints(kind)


def _require(condition: bool, place: str, wanted: str, value: Any) -> None:
    if not condition:
        kinds: dict[type, str] = {list: "a list", dict: "an object"}
        shown = kinds[type(value)] if type(value) in kinds else repr(value)[:40]
        raise ValueError(f"{place} must be {wanted}, not {shown}")
