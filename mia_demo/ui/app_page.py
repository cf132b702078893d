"""The whole app: header and pages."""

from collections.abc import Callable
from html import escape
from typing import Any
from urllib.parse import quote

import gradio as gr

from mia_demo.recipes.model_card import has_embedded_identities
from mia_demo.system.space import space_name
from mia_demo.ui.attack.page import build_attack_page
from mia_demo.ui.compare.page import build_compare_page
from mia_demo.ui.engine.engine import Engine
from mia_demo.ui.lesson.bar import build_lesson
from mia_demo.ui.line_up.page import build_line_up_page
from mia_demo.ui.models.page import build_models_page
from mia_demo.ui.runs.page import build_runs_page
from mia_demo.ui.shared.address import AddressPage
from mia_demo.ui.shared.app_state import AppState
from mia_demo.ui.shared.checked_blocks import CheckedBlocks
from mia_demo.ui.shared.components import component
from mia_demo.ui.shared.handler import QUIET, toasts
from mia_demo.ui.shared.pace import Pace
from mia_demo.ui.shield.page import build_shield_page
from mia_demo.ui.train.page import build_train_page
from mia_demo.ui.understand.page import build_understand_page
from mia_demo.visitors.own_people import OwnPeople, People

# Every minute, files of the cache that are ten minutes old: who waits for a job may need them.
DELETE_CACHE = (60, 600)
APP_TITLE = "Be Careful What You Smooth For"
PAGES: dict[str, Callable[[AppState, AddressPage], None]] = {
    "Attack": build_attack_page,
    "Compare": build_compare_page,
    "Shield": build_shield_page,
    "Line-up": build_line_up_page,
    "Train": build_train_page,
    "Models": build_models_page,
    "Runs": build_runs_page,
    "Understand": build_understand_page,
}


def build_app(engine: Engine, notice: str = "") -> gr.Blocks:
    """All pages.

    Args:
        notice: what went wrong at the start although the demo runs.

    Raises:
        DemoError: the zoo cannot be read.
    """
    with _blocks() as app:
        tools = gr.Row(elem_classes="tools")
        if notice:
            gr.HTML(f'<p class="broken" role="alert">{escape(notice)}</p>', apply_default_css=False)
        state = build_pages(engine, app)
        with tools:
            bar = component(
                "shared/address_bar",
                pages=state.address.for_browser(),
                device=engine.device_label,
                whose=_whose_faces(engine.embedded),
                duplicate=_duplicate(),
                elem_classes="address-bar",
            )
            build_lesson(state, bar)
        state.connect()

        def follow(key: str) -> Any:
            with toasts():
                return gr.update(whose=_whose_faces(engine.people(key)))

        state.attack_people.change(follow, state.attack_people, bar, **QUIET)
        state.address.connect(app, state.tabs, bar)
    return app


def build_pages(engine: Engine, app: gr.Blocks) -> AppState:
    """The tabs, each reachable by a link."""
    pace = Pace()
    # A page is mounted when it is first opened and stays mounted.
    with gr.Tabs(elem_classes="pages", overflow_behavior="wrap") as tabs:
        state = AppState(engine, app, tabs, pace)
        for label, build in PAGES.items():
            with state.address.tab(label) as page:
                build(state, page)
    return state


def build_failed_app(message: str) -> gr.Blocks:
    """A page that says why there is no demo."""
    with _blocks() as app:
        gr.HTML(
            f'<h1>{APP_TITLE}</h1><div class="broken" role="alert"><h2>The demo cannot start</h2>'
            f"<p>{escape(message)}</p></div>",
            apply_default_css=False,
        )
    return app


def _blocks() -> gr.Blocks:
    return CheckedBlocks(
        title=APP_TITLE, analytics_enabled=False, fill_width=True, delete_cache=DELETE_CACHE
    )


def _whose_faces(attacked: People) -> str:
    if isinstance(attacked, OwnPeople):
        return "People of your own: you said that they consent or are synthetic"
    if has_embedded_identities(attacked.zoo.base):
        return "All identities are synthetic, nobody’s face"
    return "Identities of another zoo: its publisher answers for their consent"


def _duplicate() -> str:
    """On a Space, the address that duplicates it: no queue of visitors, any hardware."""
    name = space_name()
    return f"https://huggingface.co/spaces/{quote(name)}?duplicate=true" if name else ""
