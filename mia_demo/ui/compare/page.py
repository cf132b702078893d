"""The Compare page: widgets and wiring."""

import gradio as gr

from mia_demo.attack.config import preset_config
from mia_demo.ui.boards.sweep_view import NO_SWEEP
from mia_demo.ui.compare.handlers import RESULTS, CompareHandlers
from mia_demo.ui.engine.sweeping import plan_sweep
from mia_demo.ui.shared.address import AddressPage, Setting
from mia_demo.ui.shared.address_values import accepted_by, one_of, some_of
from mia_demo.ui.shared.app_state import AppState
from mia_demo.ui.shared.components import component
from mia_demo.ui.shared.estimates import Estimates, estimate_line, follow_form
from mia_demo.ui.shared.forms import (
    FIRST_PRESET,
    TEMPERATURE,
    attack_field,
    attack_settings,
    knob_fields,
    linked_config,
    preset_field,
    start_and_stop_buttons,
    words,
)
from mia_demo.ui.shared.handler import QUIET, START_EVENT, STOPPING, wire_stop
from mia_demo.ui.shared.lanes import demo_choices

FIRST_IDENTITIES = "0-4"


def build_compare_page(app: AppState, address: AddressPage) -> None:
    """Adds the page to the current Blocks; its results are loaded when it is first seen."""
    engine = app.engine
    handlers = CompareHandlers(engine)
    targets = engine.zoo.base.default_lanes()
    with gr.Row(elem_classes="compare-page"):
        with gr.Column(scale=1, min_width=280, elem_classes="controls"):
            words("<h2>Results</h2>")
            choice = gr.Dropdown([], label="Results", show_label=False, elem_id="results")
            with gr.Accordion("Attack many people yourself", open=False):
                start, stop = start_and_stop_buttons()
                estimate = estimate_line()
                finished = gr.Button("Show the finished part", visible=False)
                progress = component("boards/sweep_progress", NO_SWEEP.to_json())
                with gr.Row():
                    identities = gr.Textbox(
                        FIRST_IDENTITIES,
                        label="Identities",
                        info="such as 0-9,17",
                        max_length=200,
                        min_width=120,
                    )
                    preset = preset_field("effort of an attack")
                with gr.Accordion("More settings", open=False):
                    seeds = gr.Textbox("0", label="Seeds", info="such as 0,1,2", max_length=200)
                    lanes = gr.CheckboxGroup(
                        demo_choices(engine.zoo.base), value=targets, label="Lanes"
                    )
                    attack = attack_field()
                    temperature = TEMPERATURE.component(1)
                    knobs = knob_fields(preset, attack, temperature)
        with gr.Column(scale=4, min_width=320):
            summary = component(
                "compare/results_summary", server={"download_file": handlers.download}
            )
            leakage = component("compare/leakage_bars")
            sheet = component("compare/contact_sheet")
            scatter = component("compare/privacy_scatter")
            table = component("compare/results_table", name="figures")
            attributes = component("compare/results_table", name="attributes")

    shown = [choice, summary, leakage, sheet, scatter, table, attributes]
    form = [identities, seeds, preset, lanes, *knobs]
    running = [progress, start, stop, finished, *shown]
    # Not its load event: Gradio triggers those of all pages when the app is opened.
    summary.apply(handlers.open, choice, shown, **QUIET)
    for button, handler in ((start, handlers.start), (finished, handlers.finished_part)):
        button.click(handler, form, running, **START_EVENT)
    follow_form(Estimates(engine).for_sweep, form, estimate, address.tab.select)
    wire_stop(stop, handlers.sweeps, ending=STOPPING)
    # With other settings it is another sweep, and nothing to resume.
    gr.on([field.input for field in form], None, None, start, js="() => 'Start'")
    # By the visitor, or by a link on an open page.
    choice.change(
        handlers.follow,
        [choice, summary],
        shown[1:],
        trigger_mode="always_last",
        **QUIET,
    )
    usual = preset_config(FIRST_PRESET, lanes=tuple(targets))
    address.refiller = attack
    address.add(
        Setting(RESULTS, choice, one_of(handlers.keys), update=handlers.chosen),
        Setting(
            "identities",
            identities,
            accepted_by(lambda text: plan_sweep(engine, usual, text, "0")),
            FIRST_IDENTITIES,
        ),
        *attack_settings(
            preset,
            knobs,
            Setting(
                "seeds", seeds, accepted_by(lambda text: plan_sweep(engine, usual, "0", text)), "0"
            ),
            Setting("lanes", lanes, some_of(engine.zoo.target_names), targets),
        ),
    )
    address.check = lambda values: plan_sweep(
        engine, linked_config(values), values["identities"], values["seeds"]
    )
    gr.api(handlers.api_results, api_name="results")
    gr.api(handlers.api_sweep, api_name="sweep", concurrency_limit=None)
    app.other_lanes.append(lanes)
