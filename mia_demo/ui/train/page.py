"""The Train page: widgets and wiring."""

from typing import Any

import gradio as gr

from mia_demo.ui.boards.training_view import NO_TRAINING
from mia_demo.ui.engine.engine import EMBEDDED
from mia_demo.ui.engine.field_checks import MAX_WHOLE
from mia_demo.ui.engine.training_form import (
    ARCHITECTURES,
    FIRST_ALPHA,
    FIRST_EPOCHS,
    FIRST_IMAGES,
    MAX_ALPHA,
    MAX_EPOCHS,
    MAX_RATE,
    MIN_ALPHA,
    MIN_RATE,
    RECIPE,
    SCHEDULES,
)
from mia_demo.ui.shared.address import AddressPage, Setting
from mia_demo.ui.shared.address_values import number, one_of, whole
from mia_demo.ui.shared.app_state import AppState
from mia_demo.ui.shared.components import component
from mia_demo.ui.shared.estimates import Estimates, estimate_line, follow_form
from mia_demo.ui.shared.forms import words
from mia_demo.ui.shared.handler import PAUSING, QUIET, START_EVENT, STOPPING, wire_stop
from mia_demo.ui.train.handlers import TrainHandlers
from mia_demo.ui.train.offer import offer_unfinished
from mia_demo.ui.train.people_form import OwnPeopleForm


def build_train_page(app: AppState, address: AddressPage) -> None:
    """Adds the page to the current Blocks."""
    engine = app.engine
    handlers = TrainHandlers(engine)
    with gr.Row(elem_classes="train-page"):
        with gr.Column(scale=1, min_width=320, elem_classes="controls"):
            words("<h2>1. Smooth the label</h2>")
            alpha = gr.Slider(
                MIN_ALPHA,
                MAX_ALPHA,
                value=FIRST_ALPHA,
                step=0.01,
                label="Smoothing factor α",
                info="Below 0: negative label smoothing.",
            )
            label = component("train/smoothed_label", FIRST_ALPHA, classes=len(engine.identities))
            words("<h2>2. Train a classifier with it</h2>")
            with gr.Row(elem_classes="buttons"):
                start = gr.Button("Start", variant="primary", min_width=80)
                pause = gr.Button("Pause", interactive=False, min_width=80)
                stop = gr.Button("Stop", variant="stop", interactive=False, min_width=80)
            estimate = estimate_line()
            images = gr.Slider(
                1,
                engine.zoo.manifest.train_images,
                value=FIRST_IMAGES,
                step=1,
                label="Photos of each person",
                info="The paper: positive smoothing leaks most with little data.",
            )
            epochs = gr.Slider(
                1,
                MAX_EPOCHS,
                value=FIRST_EPOCHS,
                step=1,
                label="Epochs",
                info="How often each photo is seen.",
            )
            with gr.Accordion("More settings", open=False):
                schedule = gr.Dropdown(
                    [(label, name) for name, (label, _) in SCHEDULES.items()],
                    value="early",
                    label="Schedule of a negative α",
                    info="Its loss has no minimum, so it is brought in gradually: early from 20% "
                    "of the epochs and full from 30%, late from 50% and full from 75%. "
                    "A positive α holds from the start.",
                )
                architecture = gr.Dropdown(
                    [(label, name) for name, label in ARCHITECTURES.items()],
                    value=RECIPE.architecture,
                    label="Architecture",
                    info="The demo's lanes are Compact ResNets, which start from a network that "
                    "has learnt other people; the others start from random weights. The evaluator "
                    "is a Compact DenseNet: it should not judge its own kind.",
                )
                learning_rate = gr.Number(
                    RECIPE.learning_rate,
                    label="Learning rate",
                    info="Of Adam; divided by 10 after 60% and 90% of the epochs.",
                    step=0.0001,
                )
                seed = gr.Number(RECIPE.seed, label="Seed", info="Same seed, same classifier.")
            own_people = OwnPeopleForm(engine, handlers)
            people, three = own_people.people, own_people.three
        with gr.Column(scale=4, min_width=320):
            board = component("boards/training_board", NO_TRAINING)
            own = component(
                "train/own_classifiers",
                {"newest": "", "items": []},
                server={"download_part": handlers.own.read_part},
            )

    form = [alpha, images, epochs, schedule, architecture, learning_rate, seed]
    buttons = [start, pause, stop, three]
    # In the browser, so that the bars follow the slider without the server.
    alpha.change(None, alpha, label, js="(alpha) => alpha")
    runs = [
        button.click(
            app.pace.limited(handler, handlers.trainings),
            inputs,
            [board, *buttons, own, app.pace.mark],
            **START_EVENT,
        )
        for button, handler, inputs in (
            (start, handlers.start, [people, *form]),
            (three, handlers.start_three, [people]),
        )
    ]
    follow_form(Estimates(engine).for_training, [people, *form], estimate, address.tab.select)
    wire_stop(pause, handlers.trainings, ending=PAUSING)
    shown = [board, *buttons]
    wire_stop(stop, handlers.trainings, ending=STOPPING, handler=handlers.stop, outputs=shown)
    deleted = own.delete(
        handlers.own.delete,
        own,
        own,
        trigger_mode="multiple",  # a second one right after the first counts too
        **QUIET,
    )
    renamed = own.edit(handlers.own.rename, own, own, **QUIET)
    for event in (*runs, deleted):
        app.lanes_follow(event, own)
    app.lanes_follow(renamed, own, ticks=False)
    app.own_people = own_people.panel
    app.own_people_restored = own_people.wire(
        images, label, own, app.attack_people, training=[board, *buttons], runs=[*runs, deleted]
    )
    app.blocks.load(handlers.own.open, None, own, **QUIET)

    def offer(request: gr.Request) -> tuple[Any, ...]:
        query = dict(request.query_params)
        linked = address.read(query)[0] if query.get("tab") == "train" else None
        return offer_unfinished(handlers, request, linked)

    app.blocks.load(offer, None, [board, *buttons, *form], **QUIET)
    # With other settings it is another training, and nothing to resume.
    gr.on([field.input for field in [*form, people]], None, None, start, js="() => 'Start'")
    most = engine.zoo.manifest.train_images
    rates = number(MIN_RATE, MAX_RATE)
    address.public = (people, EMBEDDED)
    address.add(
        Setting("alpha", alpha, number(MIN_ALPHA, MAX_ALPHA), FIRST_ALPHA),
        Setting("photos", images, whole(1, most), FIRST_IMAGES),
        Setting("epochs", epochs, whole(1, MAX_EPOCHS), FIRST_EPOCHS),
        Setting("schedule", schedule, one_of(lambda: SCHEDULES), "early"),
        Setting("architecture", architecture, one_of(lambda: ARCHITECTURES), RECIPE.architecture),
        Setting("learning_rate", learning_rate, rates, RECIPE.learning_rate),
        Setting("seed", seed, whole(0, MAX_WHOLE), RECIPE.seed),
    )
    gr.api(handlers.api_train, api_name="train", concurrency_limit=None)
    gr.api(handlers.api_delete, api_name="delete_classifier")
