"""The whole app: header and pages."""

from __future__ import annotations

from html import escape
from pathlib import Path
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
from mia_demo.ui.shared.address import AddressBook
from mia_demo.ui.shared.components import component
from mia_demo.ui.train.page import build_train_page
from mia_demo.ui.understand.page import build_understand_page

TITLE = "Be Careful What You Smooth For"
HEADER = Path(__file__).with_name("shared") / "header.html"


def build_app(engine: Engine, notice: str = "") -> gr.Blocks:
    """All pages.

    Args:
        notice: what went wrong at the start, though there is a demo.

    Raises:
        DemoError: the zoo cannot be read.
    """
    with _blocks() as app:
        gr.HTML(_header(engine.device_label, _whose_faces(engine)), apply_default_css=False)
        if notice:
            gr.HTML(f'<p class="broken" role="alert">{escape(notice)}</p>', apply_default_css=False)
        tools = gr.Row(elem_classes="tools")
        tabs, address = build_pages(engine, app)
        with tools:
            bar = component(
                "shared/address_bar", pages=address.for_browser(), elem_classes="address-bar"
            )
            build_lesson(engine, address, tabs, bar)
        address.connect(app, tabs, bar)
    return app


def build_pages(engine: Engine, app: gr.Blocks) -> tuple[gr.Tabs, AddressBook]:
    """The tabs; a link leads to each, also to those that carry no settings in it."""
    address = AddressBook()
    # A page is mounted when it is first chosen, and lives on behind the others.
    with gr.Tabs(elem_classes="pages", overflow_behavior="wrap") as tabs:
        with address.tab("Attack") as page:
            attack_lanes, attack_people = build_attack_page(engine, page)
        with address.tab("Compare") as page:
            compare_lanes = build_compare_page(engine, page)
        with address.tab("Line-up") as page:
            line_up_lanes = build_line_up_page(engine, page.tab, app, tabs)
        lanes = [attack_lanes, compare_lanes, line_up_lanes]
        with address.tab("Train") as page:
            own_people, restored = build_train_page(engine, lanes, attack_people, page)
        with address.tab("Models") as page:
            build_models_page(engine, page.tab, attack_lanes, attack_people, own_people, restored)
        with address.tab("Runs") as page:
            build_runs_page(engine, page, lanes)
        with address.tab("Understand") as page:
            build_understand_page(engine, page)
    return tabs, address


def build_failed_app(message: str) -> gr.Blocks:
    """A page that says why there is no demo."""
    with _blocks() as app:
        gr.HTML(_header(), apply_default_css=False)
        gr.HTML(
            f'<div class="broken" role="alert"><h2>The demo cannot start</h2>'
            f"<p>{escape(message)}</p></div>",
            apply_default_css=False,
        )
    return app


def _blocks() -> gr.Blocks:
    return gr.Blocks(
        title=TITLE, analytics_enabled=False, fill_width=True, delete_cache=(600, 3600)
    )


def _whose_faces(engine: Engine) -> str:
    if has_embedded_identities(engine.zoo.base):
        return "All identities are synthetic, nobody’s face"
    return "Identities of another zoo: its publisher answers for their consent"


def _duplicate() -> str:
    """On a Space, the way to one of one's own: without the visitors' queue, on any hardware."""
    name = space_name()
    address = f"https://huggingface.co/spaces/{quote(name)}?duplicate=true"
    link = f'<a class="badge" href="{address}" target="_blank">Duplicate this Space</a>'
    return link if name else ""


def _header(device: str = "", identities: str = "") -> str:
    page = HEADER.read_text(encoding="utf-8")
    badges = {
        "<!-- device -->": device and f'<span class="badge device">Runs on {escape(device)}</span>',
        "<!-- identities -->": identities and f'<span class="badge">{escape(identities)}</span>',
        "<!-- duplicate -->": _duplicate(),
    }
    for place, badge in badges.items():
        page = page.replace(place, badge)
    return page
