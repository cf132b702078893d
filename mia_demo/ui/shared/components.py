"""Components of our own: a gr.HTML each, with its html, css and js as files beside it.

Their templates are static, and the js fills them through the DOM: Gradio evaluates a template's
result as a JavaScript template string, where a name with ``${...}`` in it would be code.
Functions make them, not subclasses: of those Gradio writes ``.pyi`` files into the source tree.
"""

from __future__ import annotations

from pathlib import Path


def component_files(name: str, *helpers: str) -> dict[str, str]:
    """The arguments of gr.HTML that the files ``name.html``, ``.css`` and ``.js`` hold.

    Args:
        name: the files' path below ``ui/``, such as ``boards/attack_board``.
        helpers: further ``.js`` files that the component's own one uses.
    """
    folder = Path(__file__).parents[1]
    kinds = {"html_template": "html", "css_template": "css", "js_on_load": "js"}
    files = {
        argument: (folder / f"{name}.{suffix}").read_text(encoding="utf-8")
        for argument, suffix in kinds.items()
    }
    for helper in helpers:
        files["js_on_load"] = (folder / f"{helper}.js").read_text("utf-8") + files["js_on_load"]
    return files
