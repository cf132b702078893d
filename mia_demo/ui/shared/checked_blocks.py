"""The app, which answers malformed requests with one sentence and logs one line."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

import gradio as gr
from gradio.blocks import BlockFunction

from mia_demo.errors import DemoError
from mia_demo.ui.shared.arguments import check_arguments, defaults_after
from mia_demo.ui.shared.handler import toast

# Of the running request: what was refused, for whoever chooses its status.
REFUSED: ContextVar[list[str] | None] = ContextVar("refused", default=None)

log = logging.getLogger(__name__)


class CheckedBlocks(gr.Blocks):  # type: ignore[misc]
    """Blocks whose events reach a handler only with values that fit.

    Gradio takes whatever is JSON, and prints a traceback for each value that a component or a
    handler stumbles over.

    Attributes:
        opening: HTML of the first screen, shown while the page is on its way; empty for none.
    """

    opening: Callable[[], str] = str

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
            log.warning("refused: values for %s: %s", block_fn.name, _first_line(error))
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


def _first_line(error: Exception) -> str:
    return f"{type(error).__name__}: {str(error)[:200]}".splitlines()[0]
