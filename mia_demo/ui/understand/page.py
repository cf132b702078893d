"""The Understand page: why smoothing changes what an attack finds, in pictures and words."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import gradio as gr

from mia_demo.ui.engine.toy_lab import MAX_TOY_ALPHA, MIN_TOY_ALPHA, ToyLab
from mia_demo.ui.shared.address import AddressPage, Setting
from mia_demo.ui.shared.address_values import accepted_by, number, one_of, whole
from mia_demo.ui.shared.app_state import AppState
from mia_demo.ui.shared.components import component
from mia_demo.ui.shared.handler import JOB_EVENT, QUIET, last_counts
from mia_demo.ui.understand.handlers import (
    MAX_LABEL_ALPHA,
    MAX_MAPPED,
    MIN_LABEL_ALPHA,
    MIN_MAPPED,
    UnderstandHandlers,
)

FIRST_LABEL_ALPHA = -0.05
SECTIONS = ("toy", "embedding", "gradients", "labels", "threat", "glossary", "sources")

TEXTS = Path(__file__).parent / "texts"


def build_understand_page(app: AppState, address: AddressPage) -> None:
    """Adds the page to the current Blocks; it computes nothing before a visitor sees it."""
    engine = app.engine
    handlers = UnderstandHandlers(engine)
    with gr.Column(elem_classes="understand-page"):
        lab = ToyLab()
        under = _text("toy")
        toy = component(
            "understand/toy_explorer", lab.scene(), server={"train": lab.train, "walk": lab.walk}
        )
        under()
        under = _text("embedding")
        embedding = component("understand/embedding_map")
        with gr.Accordion("Show other people", open=False), gr.Row(elem_classes="form"):
            people = gr.Textbox(
                "",
                label="Identities to show",
                info=f"{MIN_MAPPED} to {MAX_MAPPED}, such as 0-3,17",
                max_length=100,
                min_width=200,
            )
            show = gr.Button("Show", scale=0, min_width=100)
        under()
        under = _text("gradients")
        gradients = component("understand/gradient_figure")
        under()
        under = _text("labels")
        with gr.Row(elem_classes="form"):
            identity = gr.Number(
                0,
                label="Identity",
                info="its first test photo",
                precision=0,
                minimum=0,
                maximum=len(engine.identities) - 1,
                min_width=120,
            )
            alpha = gr.Slider(
                MIN_LABEL_ALPHA,
                MAX_LABEL_ALPHA,
                FIRST_LABEL_ALPHA,
                step=0.01,
                label="Smoothing factor α",
                info="of the label",
                min_width=240,
            )
        formula = component("understand/label_formula")
        under()
        _text("background")
        section = component("understand/section_links", "")

    # The parts trigger select when they come into view. Gradio would trigger load for every visitor
    # before the page is opened.
    embedding.select(
        handlers.open_embedding,
        people,
        [people, embedding],
        trigger_mode="always_last",  # a waiting view may have missed a new attack
        **JOB_EVENT,
    )
    gr.on(
        [show.click, people.submit],
        handlers.embedding,
        people,
        embedding,
        **JOB_EVENT,
    )
    gradients.select(
        handlers.gradients,
        None,
        gradients,
        trigger_mode="always_last",
        **QUIET,
    )
    formula.select(
        last_counts(handlers.open_label),
        [identity, alpha],
        [identity, formula],
        trigger_mode="always_last",
        **JOB_EVENT,
    )
    gr.on(
        [identity.change, alpha.change],
        last_counts(handlers.label),
        [identity, alpha],
        formula,
        trigger_mode="always_last",
        **JOB_EVENT,
    )
    address.add(
        Setting("section", section, one_of(lambda: SECTIONS)),
        Setting("toy", toy, number(MIN_TOY_ALPHA, MAX_TOY_ALPHA), 0, member="alpha"),
        Setting("people", people, accepted_by(handlers.people)),
        Setting("identity", identity, whole(0, len(engine.identities) - 1)),
        Setting("alpha", alpha, number(MIN_LABEL_ALPHA, MAX_LABEL_ALPHA), FIRST_LABEL_ALPHA),
    )


def _text(name: str) -> Callable[[], gr.HTML]:
    """What is open of a text; the rest, which goes beneath its picture, on demand."""
    first, _, rest = (TEXTS / f"{name}.html").read_text("utf-8").partition("<!-- picture -->")
    gr.HTML(first, apply_default_css=False)
    return partial(gr.HTML, rest, apply_default_css=False)
