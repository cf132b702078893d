"""The Attack page: widgets and wiring."""

import gradio as gr

from mia_demo.ui.attack.evidence import claim_line, today
from mia_demo.ui.attack.handlers import AttackHandlers
from mia_demo.ui.attack.identity_picker import identity_picker
from mia_demo.ui.attack.opening import Opening
from mia_demo.ui.engine.engine import EMBEDDED
from mia_demo.ui.engine.field_checks import MAX_WHOLE
from mia_demo.ui.shared.address import AddressPage, Setting
from mia_demo.ui.shared.address_values import some_of, whole
from mia_demo.ui.shared.app_state import AppState
from mia_demo.ui.shared.components import component
from mia_demo.ui.shared.estimates import Estimates, estimate_line, follow_form
from mia_demo.ui.shared.forms import (
    TEMPERATURE,
    attack_field,
    attack_settings,
    knob_fields,
    linked_config,
    preset_field,
    start_and_stop_buttons,
    words,
)
from mia_demo.ui.shared.handler import JOB_EVENT, QUIET, START_EVENT, last_counts, wire_stop
from mia_demo.ui.shared.lanes import MAX_BOARD_LANES, demo_choices, people_choices

MARK_OLDER = """(board, ...form) => {
  const isOver = ["done", "stopped", "failed"].includes(board.phase);
  const plain = (value) => JSON.stringify(Array.isArray(value) ? [...value].sort() : value);
  const isOlder = isOver && form.some((value, index) => plain(value) !== plain(board.form[index]));
  return isOlder === board.is_older ? board : { ...board, is_older: isOlder };
}"""


def build_attack_page(app: AppState, address: AddressPage) -> None:
    """Adds the page to the current Blocks.

    Raises:
        DemoError: the zoo cannot be read.
    """
    engine = app.engine
    handlers = AttackHandlers(engine)
    evidence = handlers.evidence
    first = evidence.todays(today())
    lane_names = engine.zoo.default_lanes()
    first_lanes = lane_names[:MAX_BOARD_LANES]
    with gr.Column(elem_classes="attack-page"):
        words(claim_line(evidence))
        with gr.Row(elem_classes="toolbar"):
            start, stop = start_and_stop_buttons()
            others = component("attack/whom", people=sorted(evidence.runs))
        with gr.Column(elem_classes="settings"):
            with gr.Row():
                with gr.Column(min_width=320):
                    people = gr.Radio(
                        people_choices(engine),
                        value=EMBEDDED,
                        label="People",
                        elem_classes="people-choice",
                    )
                    picker = identity_picker(engine.identities, first)
                with gr.Column(min_width=320):
                    estimate = estimate_line()
                    with gr.Row():
                        preset = preset_field("how thorough")
                        seed = gr.Number(0, label="Seed", info="random draws", min_width=100)
                    with gr.Row():
                        attack = attack_field(info="what the attacker needs", min_width=220)
                        temperature = TEMPERATURE.component(1)
                    lanes = gr.CheckboxGroup(
                        demo_choices(engine.zoo.base),
                        value=first_lanes,
                        label="Lanes",
                        info=f"Classifiers under attack, up to {MAX_BOARD_LANES}.",
                    )
            with gr.Accordion("Advanced", open=False):
                knobs = knob_fields(preset, attack, temperature)
        value = evidence.opening(first) or handlers.ready(first).to_json()
        strip = evidence.strip()
        board = component(
            "boards/attack_board",
            value,
            server={"recording": evidence.recording},
            name="attack",
            strip=strip,
        )
        file = component("shared/file_saver")

    app.blocks.opening = Opening(evidence, app.blocks.title, app.tabs)
    shown = [board, start, stop]
    form = [preset, seed, lanes, *knobs]
    attacked = start.click(
        app.pace.limited(handlers.start, engine.attacks),
        [people, picker, *form],
        [*shown, app.pace.mark],
        **START_EVENT,
    )
    # In the browser: a result made with other settings stays and is marked as older.
    gr.on([part.change for part in form], None, [board, *form], board, js=MARK_OLDER)
    attacked.then(None, [board, *form], board, js=MARK_OLDER)
    estimates = Estimates(engine)
    settings = [preset, lanes, *knobs]
    follow_form(estimates.for_attack, settings, estimate)
    attacked.then(estimates.for_attack, settings, estimate, **QUIET)
    gr.on(fn=estimates.for_first_attack, inputs=settings, outputs=estimate, **JOB_EVENT)
    wire_stop(stop, engine.attacks)
    others.select(None, others, picker, js="(others) => others.wanted")
    app.blocks.load(handlers.turn, picker, picker, **QUIET)
    board.download(handlers.download, board, file, **QUIET)
    picker.change(
        last_counts(handlers.choose),
        [picker, people],
        shown,
        trigger_mode="always_last",
        **JOB_EVENT,
    )
    people.change(
        last_counts(handlers.switch),
        people,
        [picker, lanes, *shown],
        trigger_mode="always_last",
        **JOB_EVENT,
    )

    def attackable() -> list[str]:
        return [*engine.zoo.target_names(), *engine.added.owner.lane_names()]

    address.refiller = attack
    address.add(
        Setting(
            "identity", picker, whole(0, len(engine.identities) - 1), first, is_always_told=True
        ),
        *attack_settings(
            preset,
            knobs,
            Setting("seed", seed, whole(0, MAX_WHOLE), 0, is_always_told=True),
            Setting("lanes", lanes, some_of(attackable), first_lanes),
            is_always_told=True,
        ),
    )
    address.public = (people, EMBEDDED)
    address.check = linked_config
    gr.api(handlers.api_attack, api_name="attack", concurrency_limit=None)
    app.attack_people, app.attack_lanes = people, lanes
