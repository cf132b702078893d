"""The app, which answers malformed requests with one sentence and logs one line.

Values that arrive from a browser or a program are held against what a handler says that it takes.
"""

import logging
import math
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from functools import lru_cache
from inspect import Parameter, signature
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

import gradio as gr
from gradio.blocks import BlockFunction

from mia_demo.errors import ConfigError, DemoError
from mia_demo.ui.shared.handler import toast

# Of the running request: what was refused, for whoever chooses its status.
REFUSED: ContextVar[list[str] | None] = ContextVar("refused", default=None)

log = logging.getLogger(__name__)


class MisfitError(ConfigError):
    """A request that no page of ours sends: too few values, or values of other types."""


class CheckedBlocks(gr.Blocks):  # type: ignore[misc]
    """Blocks whose events reach a handler only with values that fit.

    Gradio takes whatever is JSON, and prints a traceback for each value that a component or a
    handler stumbles over.
    """

    opening: Callable[[], str] = str  # HTML shown while the page is on its way; empty for none

    async def process_api(self, block_fn: BlockFunction | int, *args: Any, **options: Any) -> Any:
        function = self.fns[block_fn] if isinstance(block_fn, int) else block_fn
        try:
            if function.fn is None:
                raise toast("This event belongs to the browser; the server has no answer to it.")
            return await super().process_api(block_fn, *args, **options)
        except gr.Error as error:
            refused = REFUSED.get()
            if refused is not None:
                refused.append(str(error.message))
            raise

    async def preprocess_data(
        self, block_fn: BlockFunction, inputs: list[Any], *args: Any, **options: Any
    ) -> Any:
        try:
            if block_fn.fn is not None and len(inputs) < len(block_fn.inputs):
                inputs = [*inputs, *defaults_after(block_fn.fn, len(inputs))]
            values = await super().preprocess_data(block_fn, inputs, *args, **options)
            if block_fn.fn is not None:
                check_arguments(block_fn.fn, values)
        except Exception as error:
            line = f"{type(error).__name__}: {str(error)[:200]}".splitlines()[0]
            log.warning("refused: values for %s: %s", block_fn.name, line)
            words = str(error) if isinstance(error, DemoError) else "These values do not fit here."
            raise toast(words) from error
        return values

    async def postprocess_data(self, *args: Any, **options: Any) -> Any:
        """Gradio's own post-processing, with one of its bugs corrected.

        It passes an update's ``__type__`` to ``gr.HTML`` as a property: a component that is still
        mounting, as on a slow machine, would lose the properties it was made with.
        """
        outputs = await super().postprocess_data(*args, **options)
        for update in outputs:
            if isinstance(update, dict) and update.get("__type__") == "update":
                properties = update.get("props", {})
                properties.pop("__type__", None)
                if not properties:
                    update.pop("props", None)
        return outputs


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
