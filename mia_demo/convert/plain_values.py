"""Plain values that training programs save beside weights: read as such, nothing is executed.

Settings as an argparse namespace, numpy's numbers, paths and the like become dicts, numbers and
text. None of the classes that the file names is ever looked up.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from mia_demo.convert.restricted_pickle import KEY_TYPES, Builder

MAX_LETTERS = 65_536
NUMBER_TYPES = ("f8", "f4", "f2", "i8", "i4", "i2", "i1", "u1", "b1")


@dataclass
class Attributes:
    """An object without behaviour, such as a namespace of settings."""

    values: dict[str, Any] = field(default_factory=dict)

    def set_state(self, state: Any) -> None:
        if not isinstance(state, dict):
            raise TypeError("an object without attributes")
        self.values = state


@dataclass
class NumberType:
    """A numpy dtype of single numbers."""

    code: str
    order: str = "<"

    def set_state(self, state: Any) -> None:
        self.order = state[1]


def _number_type(code: Any, *_: Any) -> NumberType:
    if code not in NUMBER_TYPES:
        raise ValueError("not a type of numbers")
    return NumberType(code)


def _number(kind: Any, data: Any) -> Any:
    if not isinstance(kind, NumberType):
        raise TypeError("a number without a type")
    order = kind.order if kind.order in ("<", ">") else "="
    (number,) = np.frombuffer(data, np.dtype(order + kind.code))
    return number.item()


def _path(*parts: Any) -> str:
    if not all(isinstance(part, str) for part in parts):
        raise TypeError("a path of other things than names")
    return _bounded("/".join, parts)


def _set(items: Any = ()) -> set[Any]:
    if not all(isinstance(item, KEY_TYPES) for item in items):
        raise TypeError("a set of other things than names")
    return set(items)


def _empty_dict(*_: Any) -> dict[str, Any]:
    return {}


def _encoded(text: Any, encoding: Any = "latin1") -> bytes:
    """How older protocols write bytes."""
    if not isinstance(text, str) or encoding != "latin1":
        raise ValueError("bytes in an unusual encoding")
    return text.encode("latin1")


def _words(*parts: Any) -> str:
    names = [part if isinstance(part, str) else type(part).__name__ for part in parts]
    return _bounded(" ".join, names)


def _bounded(join: Callable[[Sequence[str]], str], parts: Sequence[str]) -> str:
    """The parts joined; refuses text that repeated joining blew up."""
    if sum(map(len, parts)) > MAX_LETTERS:
        raise ValueError("longer than any name")
    return join(parts)


def _as_it_is(value: Any = ()) -> Any:
    return value


PLAIN_NAMES: Mapping[str, Builder] = {
    "argparse.Namespace": Attributes,
    "types.SimpleNamespace": Attributes,
    "_codecs.encode": _encoded,
    "builtins.set": _set,
    "collections.defaultdict": _empty_dict,  # filled by SETITEMS
    "collections.Counter": _as_it_is,
    "numpy.dtype": _number_type,
    "numpy.core.multiarray.scalar": _number,
    "numpy._core.multiarray.scalar": _number,
    "torch.Size": _as_it_is,
    "torch.device": _words,
    **dict.fromkeys(
        (f"pathlib.{name}Path" for name in ("", "Posix", "Windows", "PurePosix", "PureWindows")),
        _path,
    ),
    **dict.fromkeys(
        (f"torch.{name}" for name in ("float32", "float16", "bfloat16", "float64")), _words
    ),
}
