"""The first screen as plain HTML, which shows while Gradio's programs are on their way.

It is drawn by the style sheets of the page's own parts, in a shadow tree of its own.
"""

import re
from functools import cache, lru_cache

import gradio as gr
from jinja2 import Environment

from mia_demo.ui.attack.evidence import Evidence, today
from mia_demo.ui.shared.components import read_part

OPENING_STYLES = (
    "shared/base",
    "shared/parts",
    "shared/colours",
    "shared/charts",
    "shared/style",
    "boards/attack_board",
    "boards/people_strip",
    "attack/opening",
)


class Opening:
    """Renders it for the person of the day, with the names of the pages (``tabs``)."""

    def __init__(self, evidence: Evidence, title: str, tabs: gr.Tabs) -> None:
        self._evidence, self._title, self._tabs = evidence, title, tabs
        self._of = lru_cache(maxsize=1)(self._render)

    def __call__(self) -> str:
        """
        Raises:
            DataError: a recording or a photo is damaged.
        """
        return self._of(self._evidence.todays(today()))

    def _render(self, identity: int) -> str:
        board = self._evidence.board(identity) or {}
        seen = [
            f"lane {lane['name']}: {_mark(lane['recognised'])}" for lane in board.get("lanes", ())
        ]
        template = Environment(autoescape=True).from_string(read_part("attack/opening.html"))
        return template.render(
            title=self._title,
            tabs=[tab.label for tab in self._tabs.children],
            claim=self._evidence.claim,
            board=board,
            strip=self._evidence.strip(),
            words=f"Recorded attack on identity {identity}; {', '.join(seen)}.",
            kind=lambda is_right: "recognised" if is_right else "other",
            percent=lambda share: f"{int(100 * share + 0.5)}%",  # as the browser rounds
            css=_css(),
            script=read_part("attack/opening.js"),
        )


def _mark(is_recognised: bool) -> str:
    return "recognised" if is_recognised else "taken for somebody else"


@cache
def _css() -> str:
    """Later files win, as a component's own does on the page."""
    text = "".join(read_part(f"{path}.css") for path in OPENING_STYLES)
    return re.sub(r"\.html-container (?!\{)", "", text).replace(".dark ", ":host(.dark) ")
