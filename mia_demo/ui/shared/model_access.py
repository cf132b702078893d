"""Who sees which added models, and so which lanes and people the Attack page offers."""

from __future__ import annotations

from collections.abc import Sequence

import gradio as gr

from mia_demo.errors import ConfigError
from mia_demo.report.columns import alpha_text
from mia_demo.ui.boards.training_view import lane_choices
from mia_demo.ui.engine.engine import Engine
from mia_demo.ui.shared.run_access import is_private
from mia_demo.visitors.added_models import AddedModels
from mia_demo.visitors.own_people import People

MAX_LANES = 6  # that fit on the board, with a colour each
Choices = list[tuple[str, str]]


def added_models(engine: Engine, request: gr.Request) -> AddedModels | None:
    """What this visitor added: everything on a machine of one's own, else that of the tab."""
    if is_private(request):
        return engine.added.owner
    return engine.added.tab(engine.tab_keys.get(str(request.session_hash)) or "")


def lane_names(engine: Engine, request: gr.Request, people: People) -> list[str]:
    """The lanes that this visitor may attack."""
    added = added_models(engine, request) if people is engine.embedded else None
    return [*people.zoo.target_names(), *(added.lane_names() if added else [])]


def attack_lanes(engine: Engine, request: gr.Request, people: People) -> Choices:
    """Label and value of those lanes; added ones say what they are."""
    zoo = people.zoo
    choices = lane_choices(zoo.target_names(), zoo.own_entries())
    for name in lane_names(engine, request, people)[len(choices) :]:
        entry = zoo.entry(name)
        words = f"{entry.training.source_name}, α {alpha_text(entry.alpha or 0.0)}"
        choices.append((f"{name} ({words})", name))
    return choices


def hub_choices(engine: Engine, request: gr.Request) -> Choices:
    """Label and key of the people of zoos that this visitor loaded."""
    added = added_models(engine, request)
    return [
        (f"{len(people.identities)} people of {people.origin.split('@')[0]}", people.key)
        for people in (added.people if added else [])
    ]


def check_lanes(lanes: Sequence[str]) -> None:
    """
    Raises:
        ConfigError: more than fit on the board.
    """
    if len(lanes) > MAX_LANES:
        raise ConfigError(
            f"{len(lanes)} lanes are ticked, but the board has room for {MAX_LANES}; untick "
            f"{len(lanes) - MAX_LANES}."
        )
