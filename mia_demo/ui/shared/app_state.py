"""What the pages of one app have in common, and the only way in which they reach each other.

The Attack, Compare and Line-up pages offer lanes. The Train, Models and Runs pages add or remove
classifiers, and say so with ``lanes_follow``.
"""

from dataclasses import dataclass, field
from typing import Any

import gradio as gr

from mia_demo.ui.engine.engine import EMBEDDED, Engine
from mia_demo.ui.shared.address import AddressBook
from mia_demo.ui.shared.handler import QUIET, toasts
from mia_demo.ui.shared.lanes import (
    MAX_BOARD_LANES,
    attack_lanes,
    own_people_attacked,
    target_choices,
    ticked_lanes,
)
from mia_demo.ui.shared.pace import Pace


@dataclass
class AppState:
    """Filled in by the pages in the order of their tabs; each may use what earlier ones have set.

    Attributes:
        blocks, tabs: the whole app, and its pages.
        pace: keeps running jobs from sending more than a page can draw.
        attack_people, attack_lanes: the Attack page's choices.
        other_lanes: the choices of lanes on further pages.
        own_people: a component whose value names the visitor's own people by their ``key``.
        own_people_restored: the event after which an opened app has them again.
    """

    engine: Engine
    blocks: gr.Blocks
    tabs: gr.Tabs
    pace: Pace
    address: AddressBook = field(default_factory=AddressBook)
    other_lanes: list[gr.CheckboxGroup] = field(default_factory=list)
    attack_people: gr.Radio = field(init=False)
    attack_lanes: gr.CheckboxGroup = field(init=False)
    own_people: gr.HTML = field(init=False)
    own_people_restored: Any = field(init=False)

    def connect(self) -> None:
        """Refreshes all choices of lanes when the app is opened; call it at the end."""
        offered = [self.attack_lanes, *self.other_lanes]
        self.blocks.load(self.opened, None, offered, **QUIET)

    def opened(self, request: gr.Request) -> list[Any]:
        """Updates of the lanes of each page; earlier visits may have left classifiers."""
        targets = gr.update(choices=target_choices(self.engine, self.engine.zoo))
        on_attack = attack_lanes(self.engine, request, self.engine.embedded)
        return [gr.update(choices=on_attack), *(targets for _ in self.other_lanes)]

    def lanes_follow(self, event: Any, news: gr.HTML, *, ticks: bool = True) -> None:
        """Refreshes all choices of lanes after an event.

        Args:
            ticks: whether a new classifier is ticked where there is room.
            news: a component whose value tells of a new classifier, if there is one: its name
                under ``newest``, and the key of its people, if not the demo's, under ``people``.
        """
        offered = [self.attack_people, self.attack_lanes, *self.other_lanes]
        handler = self.offered if ticks else self.renamed
        event.then(handler, [news, *offered], offered, **QUIET)

    def renamed(
        self, request: gr.Request, news: dict[str, Any], attacked: str, *ticked: list[str]
    ) -> list[Any]:
        """``offered``, without a new classifier."""
        return self.offered(request, {**news, "newest": ""}, attacked, *ticked)

    def offered(
        self, request: gr.Request, news: dict[str, Any], attacked: str, *ticked: list[str]
    ) -> list[Any]:
        """Updates of the Attack page's people, then of the lanes of each page.

        Args:
            attacked: key of the people that the Attack page shows.
            ticked: lanes of the Attack page, then of the others.
        """
        key, newest = str(news.get("people", EMBEDDED)), str(news.get("newest", ""))
        on_attack, *elsewhere = ticked
        engine, unchanged = self.engine, [gr.skip() for _ in elsewhere]
        if key == EMBEDDED:
            targets = target_choices(engine, engine.zoo)
            others = [ticked_lanes(targets, lanes, newest) for lanes in elsewhere]
            if attacked != EMBEDDED:
                return [gr.skip(), gr.skip(), *others]
            lanes = attack_lanes(engine, request, engine.embedded)
            return [
                gr.skip(),
                ticked_lanes(lanes, on_attack, newest, most=MAX_BOARD_LANES),
                *others,
            ]
        with toasts():
            people = engine.own_people.open(key)
        if attacked == key and people.zoo.target_names():
            shown = ticked_lanes(target_choices(engine, people.zoo), on_attack, newest)
            return [gr.skip(), shown, *unchanged]
        # The Attack page changes its lanes with its people.
        shown = own_people_attacked(engine, request, people, choose=bool(newest))
        return [shown, gr.skip(), *unchanged]
