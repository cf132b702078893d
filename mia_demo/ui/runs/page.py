"""The runs page: widgets and wiring."""

import gradio as gr

from mia_demo.ui.boards.sweep_view import NO_SWEEP
from mia_demo.ui.runs.handlers import RunsHandlers
from mia_demo.ui.shared.address import AddressPage, Setting
from mia_demo.ui.shared.address_values import accepted_by
from mia_demo.ui.shared.app_state import AppState
from mia_demo.ui.shared.components import component
from mia_demo.ui.shared.handler import QUIET, START_EVENT, last_counts, wire_stop


def build_runs_page(app: AppState, page: AddressPage) -> None:
    """Adds the page to the current Blocks; the list is read again whenever its tab is chosen."""
    handlers = RunsHandlers(app.engine)
    with gr.Row(elem_classes="runs-page"):
        with gr.Column(scale=1, min_width=320, elem_classes="controls"):
            gr.HTML("<h2>Runs</h2>", apply_default_css=False)
            runs = component("runs/runs_list")
        with gr.Column(scale=4, min_width=320):
            details = component("runs/run_details")
            with gr.Row(elem_classes="buttons"):
                again = gr.Button(
                    "Run again exactly",
                    variant="primary",
                    visible=False,
                    scale=0,
                    min_width=200,
                    size="md",
                )
                stop = gr.Button(
                    "Stop", variant="stop", visible=False, scale=0, min_width=100, size="md"
                )
            progress = component("boards/sweep_progress", NO_SWEEP.to_json())
            board = component("boards/attack_board", name="runs")
            compared = component("runs/run_comparison")
            with gr.Row(elem_classes="trainings"):
                training = component("boards/training_board")
                other_training = component("boards/training_board")
            file = component("shared/file_saver")

    shown = [details, board, compared, training, other_training, progress, again, stop]
    page.link = details
    page.tab.select(handlers.listing, None, runs, **QUIET)
    # A click while another run is still on its way counts.
    runs.select(last_counts(handlers.open), runs, shown, trigger_mode="always_last", **QUIET)
    details.apply(handlers.follow, details, shown, **QUIET)
    page.add(Setting("run", details, accepted_by(lambda key: key), member="key"))
    runs.apply(handlers.compare, runs, shown, **QUIET)
    runs.edit(handlers.rename, runs, runs, **QUIET)
    deleted = runs.delete(
        handlers.delete,
        [runs, details],
        [runs, *shown],
        trigger_mode="multiple",  # a second one right after the first counts too
        **QUIET,
    )
    app.lanes_follow(deleted, runs)
    again.click(
        app.pace.limited(handlers.repeat, handlers.repetitions),
        details,
        [details, board, training, progress, again, stop, app.pace.mark],
        **START_EVENT,
    )
    wire_stop(stop, handlers.repetitions)
    details.download(handlers.download, details, file, **QUIET)
