"""Components of our own: a ``gr.HTML`` each, with its html, css and js as files beside it.

Their templates are static, and the js fills them through the DOM: Gradio evaluates a template's
result as a JavaScript template string, where a name with ``${...}`` in it would be code.
A function makes them, not subclasses: of those Gradio writes ``.pyi`` files into the source tree.

A script may use others and says so in a line ``// uses shared/charts shared/elements``: their js
is put before its own, and their html and css, where they have some, come along: the html replaces
a comment with their name, such as ``<!-- boards/replay_player -->``.
"""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import gradio as gr

from mia_demo.errors import DemoError
from mia_demo.ui.engine.who_asks import CALLS
from mia_demo.ui.shared.checked_blocks import check_arguments

UI = Path(__file__).parents[1]
USES = re.compile(r"^// uses (.+)\n", re.MULTILINE)


def component(
    path: str,
    value: Any = None,
    *,
    server: Mapping[str, Callable[..., Any]] | None = None,
    **properties: Any,
) -> gr.HTML:
    """A component from its files.

    Args:
        path: the files' path below ``ui/``, such as ``boards/attack_board``.
        value: what it shows first; nothing is an empty object.
        server: functions that the script calls as ``server.name(...)``. What they cannot do as
            asked (a DemoError) reaches the script as ``{"error": message}``.
        properties: further arguments of ``gr.HTML``; what it does not know, the script reads
            as ``props.name`` and the html as ``{{name}}``.
    """
    used = _used(path)
    html = read_part(f"{path}.html")
    for part in used:
        html = html.replace(f"<!-- {part} -->", read_part(f"{part}.html"))
    return gr.HTML(
        {} if value is None else value,
        html_template=html,
        css_template="".join(read_part(f"{part}.css") for part in used),
        js_on_load=script(path),
        apply_default_css=False,
        server_functions=[_for_browser(name, answer) for name, answer in (server or {}).items()],
        **properties,
    )


def script(path: str) -> str:
    """A script with those that it uses before it."""
    return "".join(USES.sub("", read_part(f"{part}.js")) for part in _used(path))


def _used(path: str) -> list[str]:
    """What a component consists of: all that its script uses, each once, and itself at the end."""
    found: list[str] = []
    for line in USES.findall(read_part(f"{path}.js")):
        for part in line.split():
            found += [one for one in _used(part) if one not in found]
    return [*found, path]


def read_part(file: str) -> str:
    """A file below ``ui/``; empty if there is none."""
    found = UI / file
    return found.read_text(encoding="utf-8") if found.exists() else ""


def _for_browser(name: str, answer: Callable[..., Any]) -> Callable[[Any], Any]:
    def call(arguments: Any) -> Any:
        # Gradio hands over a single argument as it is, several as a list.
        values = arguments if isinstance(arguments, list) else [arguments]
        try:
            check_arguments(answer, values)
            with CALLS.counted():
                return answer(*values)
        except DemoError as error:
            return {"error": str(error)}

    call.__name__ = name
    return call
