"""A reader of pickles that executes nothing of the file.

A pickle is a program for a small stack machine. Python's own machine imports whatever the program
names and calls it. This one knows a fixed table of names; each stands for a function of ours that
makes plain data. It never imports, looks up or sets an attribute, and it refuses everything else
by name.
"""

import pickletools
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import IO, Any, NoReturn, Protocol, runtime_checkable

from mia_demo.errors import ConversionError

Builder = Callable[..., Any]

# The largest official generator takes some 60,000 operations.
MAX_OPERATIONS = 1_000_000
MAX_PROTOCOL = 5
MAX_NAME_SHOWN = 120

# Hashing these takes time in proportion to their size; a nest of tuples could take forever.
KEY_TYPES = (str, bytes, int, float, bool, type(None))

MAX_KEY = 2**60  # Python's hashes of larger numbers collide, by which a dict takes forever

# Operations that push the number, text or bytes that follows them.
LITERALS = frozenset(
    [
        *("INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT"),
        *("STRING", "BINSTRING", "SHORT_BINSTRING"),
        *("UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8"),
        *("BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8"),
    ]
)
CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False, "EMPTY_TUPLE": ()}
EMPTY: dict[str, Callable[[], Any]] = {"EMPTY_LIST": list, "EMPTY_DICT": dict, "EMPTY_SET": set}
SHORT_TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}


@dataclass(frozen=True)
class Name:
    """A name of the table, on the stack; ``build`` is ours, never the thing that was named."""

    name: str
    build: Builder


@runtime_checkable
class Stateful(Protocol):
    """A record of ours that a BUILD operation may complete."""

    def set_state(self, state: Any) -> None: ...


def printable(name: str) -> str:
    """A name from a file, safe to show: no control characters, not endless."""
    shown = name.encode("unicode_escape").decode("ascii")
    return shown if len(shown) <= MAX_NAME_SHOWN else shown[:MAX_NAME_SHOWN] + "..."


class RestrictedReader:
    """Reads one pickle after the other from a stream.

    Args:
        stream: holds the whole file, so that a length field cannot make it allocate more.
        known: qualified name -> what to build instead of calling it.
        persistent: resolves persistent ids; None refuses them.
        source: the file's name, for messages.
    """

    def __init__(
        self,
        stream: IO[bytes],
        known: Mapping[str, Builder],
        source: str,
        persistent: Builder | None = None,
    ) -> None:
        self.stream = stream
        self.known = known
        self.source = source
        self.persistent = persistent

    def load(self) -> Any:
        """The next pickle's data.

        Raises:
            ConversionError: it asks for anything that is not in the table, or is damaged.
        """
        self.stack: list[Any] = []
        self.outer: list[list[Any]] = []  # stacks below the open marks
        self.memo: dict[int, Any] = {}
        try:
            for count, (operation, argument, _) in enumerate(pickletools.genops(self.stream)):
                if count >= MAX_OPERATIONS:
                    self._refuse(f"has more than {MAX_OPERATIONS:,} pickle operations")
                if operation.name == "STOP":
                    return self.stack.pop()
                self._step(operation.name, argument)
        except (IndexError, KeyError, ValueError, TypeError, OverflowError) as error:
            raise ConversionError(
                f"{self.source} is damaged or was cut short ({type(error).__name__} while reading "
                "it); get it again from its publisher."
            ) from error
        raise AssertionError("genops ends with STOP or raises")

    def _step(self, operation: str, argument: Any) -> None:
        stack = self.stack
        if operation in LITERALS:
            stack.append(argument)
        elif operation in CONSTANTS:
            stack.append(CONSTANTS[operation])
        elif operation in EMPTY:
            stack.append(EMPTY[operation]())
        elif operation in SHORT_TUPLES:
            items = tuple(self._pop() for _ in range(SHORT_TUPLES[operation]))
            stack.append(items[::-1])
        elif operation in ("MEMOIZE", "PUT", "BINPUT", "LONG_BINPUT"):
            self.memo[len(self.memo) if argument is None else argument] = stack[-1]
        elif operation in ("GET", "BINGET", "LONG_BINGET"):
            stack.append(self.memo[argument])
        elif operation == "FRAME":
            pass
        elif operation == "PROTO":
            if argument > MAX_PROTOCOL:
                raise ValueError("a protocol of the future")
        elif operation == "MARK":
            self.outer.append(stack)
            self.stack = []
        elif operation == "POP":
            self._pop()
        elif operation == "DUP":
            stack.append(stack[-1])
        else:
            self._step_compound(operation, argument)

    def _step_compound(self, operation: str, argument: Any) -> None:
        if operation == "POP_MARK":
            self._pop_to_mark()
        elif operation == "TUPLE":
            self._push(tuple(self._pop_to_mark()))
        elif operation == "LIST":
            self._push(self._pop_to_mark())
        elif operation == "DICT":
            items = self._pop_to_mark()
            self._push({})
            self._set_items(items)
        elif operation == "FROZENSET":
            self._push(frozenset(map(self._key, self._pop_to_mark())))
        elif operation in ("APPEND", "APPENDS"):
            items = self._pop_to_mark() if operation == "APPENDS" else [self._pop()]
            self._top(list).extend(items)
        elif operation in ("SETITEM", "SETITEMS"):
            items = self._pop_to_mark() if operation == "SETITEMS" else [self._pop(), self._pop()]
            self._set_items(items if operation == "SETITEMS" else items[::-1])
        elif operation == "ADDITEMS":
            items = self._pop_to_mark()
            self._top(set).update(map(self._key, items))
        elif operation == "GLOBAL":
            self._push(self._name(*argument.split(" ", 1)))
        elif operation == "STACK_GLOBAL":
            name, module = self._pop(), self._pop()
            self._push(self._name(module, name))
        elif operation in ("REDUCE", "NEWOBJ"):
            arguments = self._pop()
            self._call(operation, self._pop(), arguments)
        elif operation == "BUILD":
            self._build()
        elif operation in ("PERSID", "BINPERSID"):
            self._persistent_load(argument if operation == "PERSID" else self._pop())
        else:
            # INST, OBJ, NEWOBJ_EX, EXT*, out-of-band buffers: no file of networks needs them.
            named = f" ({printable(str(argument).replace(' ', '.'))})" if argument else ""
            self._refuse(f"uses the pickle operation {operation}{named}")

    # -- what could be dangerous ----------------------------------------------------------------

    def _name(self, module: Any, name: Any) -> Name:
        if not (isinstance(module, str) and isinstance(name, str)):
            self._refuse("names something without words")
        qualified = f"{module}.{name}"
        if qualified not in self.known:
            self._refuse(f"asks for {printable(qualified)}")
        return Name(qualified, self.known[qualified])

    def _call(self, operation: str, what: Any, arguments: Any) -> None:
        if not isinstance(what, Name) or not isinstance(arguments, tuple):
            self._refuse(f"calls something without a name ({operation})")
        self._push(what.build(*arguments))

    def _build(self) -> None:
        state = self._pop()
        target = self.stack[-1]
        if isinstance(target, Stateful):
            target.set_state(state)
        elif type(target) is not OrderedDict:  # of a state_dict: its _metadata, which is dropped
            self._refuse(f"sets attributes of {_kind(target)} (BUILD)")

    def _persistent_load(self, identity: Any) -> None:
        if self.persistent is None:
            self._refuse("has a persistent id")
        self._push(self.persistent(identity))

    def _refuse(self, what: str) -> NoReturn:
        raise ConversionError(
            f"{self.source} {what}, which no file of network weights needs: refused, and nothing "
            "of it was executed; get the weights from their publisher."
        )

    # -- the stack ------------------------------------------------------------------------------

    def _push(self, value: Any) -> None:
        self.stack.append(value)

    def _pop(self) -> Any:
        return self.stack.pop()

    def _pop_to_mark(self) -> list[Any]:
        items, self.stack = self.stack, self.outer.pop()
        return items

    def _top(self, kind: type[Any]) -> Any:
        target = self.stack[-1]
        if not isinstance(target, kind):
            self._refuse(f"adds items to {_kind(target)}")
        return target

    def _set_items(self, items: list[Any]) -> None:
        target = self._top(dict)
        for key, value in zip(items[::2], items[1::2], strict=True):
            target[self._key(key)] = value

    def _key(self, key: Any) -> Any:
        if not isinstance(key, KEY_TYPES):
            self._refuse(f"uses {_kind(key)} as a key")
        if isinstance(key, int | float) and not abs(key) < MAX_KEY:
            self._refuse("uses huge numbers as keys")
        return key


def _kind(value: Any) -> str:
    return value.name if isinstance(value, Name) else f"a {type(value).__name__}"
