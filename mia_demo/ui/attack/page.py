"""The attack page: widgets and wiring."""

from __future__ import annotations

import json

import gradio as gr

from mia_demo.attack.config import PRESETS
from mia_demo.ui.attack.handlers import AttackHandlers, first_identity
from mia_demo.ui.attack.identity_picker import identity_picker
from mia_demo.ui.boards.replay_view import first_visit_board
from mia_demo.ui.engine.engine import EMBEDDED, Engine
from mia_demo.ui.shared.address import AddressPage, Setting
from mia_demo.ui.shared.address_values import one_of, some_of, whole
from mia_demo.ui.shared.components import component
from mia_demo.ui.shared.estimates import Estimates, estimate_line, follow_form
from mia_demo.ui.shared.knobs import (
    KNOBS,
    LARGEST_WHOLE,
    all_preset_values,
    knob_settings,
    knob_values,
    parse_config,
    preset_values,
)
from mia_demo.ui.shared.model_access import MAX_LANES
from mia_demo.ui.shared.people_view import people_choices

FIRST_PRESET = "quick"
MARK_OLDER = """(board, ...form) => {
  const isOver = ["done", "stopped", "failed"].includes(board.phase);
  const plain = (value) => JSON.stringify(Array.isArray(value) ? [...value].sort() : value);
  const isOlder = isOver && form.some((value, index) => plain(value) !== plain(board.form[index]));
  return isOlder === board.is_older ? board : { ...board, is_older: isOlder };
}"""


def build_attack_page(engine: Engine, address: AddressPage) -> tuple[gr.CheckboxGroup, gr.Radio]:
    """Adds the page to the current Blocks.

    Returns:
        The choice of lanes, which grows when a classifier is trained, and that of people, which
        appears when a visitor has people of their own.

    Raises:
        DemoError: the zoo cannot be read.
    """
    handlers = AttackHandlers(engine)
    first = first_identity(engine.embedded)
    lane_names = engine.zoo.default_lanes()
    first_lanes = lane_names[:MAX_LANES]
    with gr.Row(elem_classes="attack-page"):
        with gr.Column(scale=1, min_width=320, elem_classes="controls"):
            gr.HTML("<h2>1. Choose an identity</h2>", apply_default_css=False)
            people = gr.Radio(
                people_choices(engine.embedded),
                value=EMBEDDED,
                label="People",
                elem_classes="people-choice",
            )
            picker = identity_picker(engine.identities, first)
            gr.HTML("<h2>2. Attack it</h2>", apply_default_css=False)
            with gr.Row(elem_classes="buttons"):
                start = gr.Button("Start", variant="primary", min_width=80)
                stop = gr.Button("Stop", variant="stop", interactive=False, min_width=80)
            estimate = estimate_line()
            with gr.Row():
                preset = gr.Dropdown(
                    list(PRESETS),
                    value=FIRST_PRESET,
                    label="Preset",
                    info="how thorough",
                    min_width=120,
                )
                seed = gr.Number(0, label="Seed", info="random draws", minimum=0, min_width=100)
            lanes = gr.CheckboxGroup(
                lane_names,
                value=first_lanes,
                label="Lanes",
                info=f"Classifiers under attack, up to {MAX_LANES}.",
            )
            with gr.Accordion("Advanced", open=False):
                knobs = [
                    knob.component(value)
                    for knob, value in zip(KNOBS, preset_values(FIRST_PRESET), strict=True)
                ]
        with gr.Column(scale=4, min_width=320):
            moving = first_visit_board(engine, first)
            value = moving or handlers.ready(first).to_json()
            board = component("boards/attack_board", value, name="attack")

    shown = [board, start, stop]
    attacked = start.click(
        handlers.start,
        [picker, preset, seed, lanes, people, *knobs],
        shown,
        concurrency_limit=None,  # the device queue decides who waits, and says so
        show_progress="hidden",
        api_visibility="private",
    )
    # In the browser: an old result stays, and says that it is one.
    form = [preset, seed, lanes, *knobs]
    gr.on([part.change for part in form], None, [board, *form], board, js=MARK_OLDER)
    attacked.then(None, [board, *form], board, js=MARK_OLDER)
    estimates = Estimates(engine)
    settings = [preset, lanes, *knobs]
    follow_form(estimates.for_attack, settings, estimate)
    attacked.then(
        estimates.for_attack, settings, estimate, show_progress="hidden", api_visibility="private"
    )
    gr.on(
        fn=estimates.for_first_attack,
        inputs=settings,
        outputs=estimate,
        concurrency_limit=None,
        show_progress="hidden",
        api_visibility="private",
    )
    stop.click(handlers.stop, queue=False, api_visibility="private")
    picker.change(
        handlers.choose,
        [picker, people],
        shown,
        trigger_mode="always_last",
        concurrency_limit=None,
        show_progress="hidden",
        api_visibility="private",
    )
    people.change(
        handlers.switch,
        people,
        [picker, lanes, *shown],
        trigger_mode="always_last",
        concurrency_limit=None,
        show_progress="hidden",
        api_visibility="private",
    )
    # In the browser, so that Start right after a new preset finds its values in place.
    preset.input(None, preset, knobs, js=f"(preset) => ({json.dumps(all_preset_values())})[preset]")
    address.add(
        Setting(
            "identity", picker, whole(0, len(engine.identities) - 1), first, is_always_told=True
        ),
        Setting("preset", preset, one_of(lambda: PRESETS), FIRST_PRESET, is_always_told=True),
        Setting("seed", seed, whole(0, LARGEST_WHOLE), 0, is_always_told=True),
        Setting(
            "lanes",
            lanes,
            some_of(lambda: [*engine.zoo.target_names(), *engine.added.owner.lane_names()]),
            first_lanes,
        ),
        *knob_settings(knobs),
    )
    address.public = (people, EMBEDDED)
    address.check = lambda values: parse_config(
        values["identity"], values["preset"], values["seed"], values["lanes"], knob_values(values)
    )
    gr.api(handlers.api, api_name="attack", concurrency_limit=None)
    return lanes, people
