"""The lanes and people that a visitor can choose: the demo's, own and added ones."""

from collections.abc import Sequence
from typing import Any

import gradio as gr

from mia_demo.report.columns import against_text
from mia_demo.runs.training_run import TrainingRun
from mia_demo.ui.engine.engine import EMBEDDED, Engine
from mia_demo.ui.engine.who_asks import is_private
from mia_demo.visitors.added_models import AddedModels
from mia_demo.visitors.own_people import OwnPeople, People
from mia_demo.zoo.layers import LayeredZoo
from mia_demo.zoo.manifest import CheckpointEntry
from mia_demo.zoo.reading import Zoo

MAX_BOARD_LANES = 6  # that fit on the attack board, each with its colour

Choices = list[tuple[str, str]]  # label and value


def added_models(engine: Engine, request: gr.Request) -> AddedModels | None:
    """What this visitor added: everything on a private machine, else that of the tab."""
    if is_private(request):
        return engine.added.owner
    return engine.added.tab(engine.tab_keys.get(str(request.session_hash)) or "")


def demo_choices(zoo: Zoo) -> Choices:
    """The targets that came with a zoo as choices, with the defence where the name is another."""
    choices = []
    for entry in map(zoo.entry, zoo.target_names()):
        is_named = entry.name == entry.defence or not entry.is_defended
        words = entry.name if is_named else f"{entry.name} ({_against(entry)})"
        choices.append((words, entry.name))
    return choices


def target_choices(engine: Engine, zoo: LayeredZoo) -> Choices:
    """A zoo's targets as choices; own ones say what visitors call them, and α or defence."""
    choices = demo_choices(zoo.base)
    for entry in zoo.own_targets():
        given = engine.kept.names.get(TrainingRun(entry).key)
        words = f"{entry.name} ({f'{given}, ' if given else ''}{_against(entry)})"
        choices.append((words, entry.name))
    return choices


def lane_names(engine: Engine, request: gr.Request, people: People) -> list[str]:
    """The lanes that this visitor may attack."""
    added = added_models(engine, request) if people is engine.embedded else None
    return [*people.zoo.target_names(), *(added.lane_names() if added else [])]


def attack_lanes(engine: Engine, request: gr.Request, people: People) -> Choices:
    """The lanes that this visitor may attack as choices; added ones name their source."""
    zoo = people.zoo
    choices = target_choices(engine, zoo)
    for name in lane_names(engine, request, people)[len(choices) :]:
        entry = zoo.entry(name)
        words = f"{entry.training.source_name}, {_against(entry)}"
        choices.append((f"{name} ({words})", name))
    return choices


def _against(entry: CheckpointEntry) -> str:
    return against_text(entry.alpha, entry.defence).replace("= ", "")


def ticked_lanes(
    choices: Choices, ticked: Sequence[str], *new: str, most: int | None = None
) -> Any:
    """The update of a page's lanes: ticked ones stay ticked, and new ones are.

    If that changes no tick, none is set, because the visitor may have changed one meanwhile.

    Args:
        most: beyond this number, new ones stay unticked.
    """
    names = [name for _, name in choices]
    stay = [name for name in ticked if name in names]
    added = [name for name in names if name in new and name not in stay]
    value = [*stay, *added][: max(len(stay), most or len(names))]
    changes = {"value": [name for name in names if name in value]}
    return gr.update(choices=choices, **(changes if set(value) != set(ticked) else {}))


def people_choices(engine: Engine, own: OwnPeople | None = None) -> Choices:
    """The demo's people, and the visitor's own."""
    choices = [(f"The demo's {len(engine.identities)} synthetic people", EMBEDDED)]
    if own is not None:
        choices.append((f"Your own {len(own.identities)} people", own.key))
    return choices


def attacked_people(
    engine: Engine, request: gr.Request, own: OwnPeople | None, chosen: str = ""
) -> Any:
    """The update of the Attack page's choice of people.

    Args:
        own: the visitor's people, offered once a classifier is trained on them.
        chosen: key of the people to select; empty keeps the selection.
    """
    added = added_models(engine, request)
    trained = own if own is not None and own.zoo.target_names() else None
    choices = people_choices(engine, trained) + [
        (f"{len(people.identities)} people of {people.origin.split('@')[0]}", people.key)
        for people in (added.people if added else ())
    ]
    return gr.update(choices=choices, **({"value": chosen} if chosen else {}))


def own_people_attacked(
    engine: Engine, request: gr.Request, own: OwnPeople | None, *, choose: bool = False
) -> Any:
    """``attacked_people`` after own people have changed; without any, the demo's are selected."""
    if own is None or not own.zoo.target_names():
        return attacked_people(engine, request, None, EMBEDDED)
    return attacked_people(engine, request, own, own.key if choose else "")
