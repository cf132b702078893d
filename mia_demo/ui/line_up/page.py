"""The Line-up page: widgets and wiring."""

import gradio as gr

from mia_demo.ui.engine.line_up_dealing import MAX_AT_ONCE
from mia_demo.ui.line_up.handlers import NEW_ATTACKS, LineUpHandlers
from mia_demo.ui.shared.address import AddressPage, Setting
from mia_demo.ui.shared.address_values import one_of
from mia_demo.ui.shared.app_state import AppState
from mia_demo.ui.shared.components import component
from mia_demo.ui.shared.estimates import Estimates, estimate_line, follow_form
from mia_demo.ui.shared.forms import words
from mia_demo.ui.shared.handler import QUIET
from mia_demo.ui.shared.lanes import demo_choices

FIRST_ROUNDS = 6
INTRODUCTION = """
<p>The evaluator must always name somebody. Do people see the same face? Some rounds are controls: a
real photo, of the person or of somebody else.</p>
"""


def build_line_up_page(app: AppState, address: AddressPage) -> None:
    """Adds the page to the current Blocks; a room's link opens the app on it."""
    engine = app.engine
    handlers = LineUpHandlers(engine)
    lane_names = engine.zoo.base.default_lanes()
    with gr.Row(elem_classes="line-up-page"):
        with gr.Column(scale=1, min_width=320, elem_classes="controls"):
            words(INTRODUCTION)
            deal = gr.Button("Deal new rounds", variant="primary")
            estimate = estimate_line()
            own = gr.Button("Use my last attack")
            with gr.Accordion("Rounds, seed, lanes, pictures", open=False):
                with gr.Row():
                    rounds = gr.Number(
                        FIRST_ROUNDS,
                        label="Rounds",
                        info="one attack each",
                        precision=0,
                        minimum=1,
                        maximum=MAX_AT_ONCE,
                        min_width=100,
                    )
                    seed = gr.Textbox(
                        "", label="Seed", info="empty: a new one", max_length=10, min_width=100
                    )
                lanes = gr.CheckboxGroup(
                    demo_choices(engine.zoo.base), value=lane_names, label="Lanes"
                )
                cell = gr.Dropdown(
                    [("New attacks", NEW_ATTACKS)],
                    value=NEW_ATTACKS,
                    label="Pictures",
                    info="or recorded ones of a cell of the Shield page",
                )
        with gr.Column(scale=4, min_width=320):
            board = component("line_up/line_up_board", server={"ask": handlers.ask})

    board.select(handlers.arrive, board, board, **QUIET)
    deal.click(handlers.deal, [board, rounds, seed, lanes, cell], board, **QUIET)
    estimates = Estimates(engine)
    # Dealing measures the speed of the device as well.
    follow_form(estimates.for_line_up, [rounds, lanes], estimate, address.tab.select)
    own.click(handlers.deal_own, board, board, **QUIET)
    app.blocks.load(handlers.invited, None, app.tabs, **QUIET)
    app.other_lanes.append(lanes)
    address.tab.select(handlers.offered, cell, cell, **QUIET)
    cells = one_of(handlers.dealer.cells_to_deal)
    address.add(Setting("cell", cell, cells, NEW_ATTACKS, update=handlers.offered))
