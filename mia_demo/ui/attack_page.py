"""The attack page: widgets and wiring."""

from __future__ import annotations

import json

import gradio as gr

from mia_demo.attack.config import PRESETS
from mia_demo.ui.attack_handlers import AttackHandlers, first_identity
from mia_demo.ui.components.attack_board import attack_board
from mia_demo.ui.components.identity_picker import identity_picker
from mia_demo.ui.engine import EMBEDDED, Engine
from mia_demo.ui.knobs import KNOBS, all_preset_values, preset_values
from mia_demo.ui.people_view import people_choices
from mia_demo.ui.replay_view import first_visit_board

FIRST_PRESET = "quick"


def build_attack_page(engine: Engine) -> tuple[gr.CheckboxGroup, gr.Radio]:
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
            with gr.Row():
                preset = gr.Dropdown(
                    list(PRESETS), value=FIRST_PRESET, label="Preset", min_width=120
                )
                seed = gr.Number(0, label="Seed", precision=0, minimum=0, min_width=100)
            lanes = gr.CheckboxGroup(lane_names, value=lane_names, label="Lanes")
            with gr.Accordion("Advanced", open=False):
                knobs = [
                    knob.component(value)
                    for knob, value in zip(KNOBS, preset_values(FIRST_PRESET), strict=True)
                ]
        with gr.Column(scale=4, min_width=320):
            moving = first_visit_board(engine, first)
            board = attack_board(moving or handlers.ready(first).to_json())

    shown = [board, start, stop]
    start.click(
        handlers.start,
        [picker, preset, seed, lanes, people, *knobs],
        shown,
        concurrency_limit=None,  # the device queue decides who waits, and says so
        show_progress="hidden",
        api_visibility="private",
    )
    stop.click(handlers.stop, queue=False, api_visibility="private")
    picker.input(
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
    gr.api(handlers.api, api_name="attack", concurrency_limit=None)
    return lanes, people
