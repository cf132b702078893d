"""The runs page: widgets and wiring."""

from __future__ import annotations

import gradio as gr

from mia_demo.ui.boards.sweep_view import NO_SWEEP
from mia_demo.ui.runs.handlers import RunsHandlers
from mia_demo.ui.shared.address import AddressPage
from mia_demo.ui.shared.app_state import AppState
from mia_demo.ui.shared.components import component


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
            file = component("runs/file_saver")

    quiet = {"show_progress": "hidden", "api_visibility": "private"}
    shown = [details, board, compared, training, other_training, progress, again, stop]
    page.link = details
    page.tab.select(handlers.listing, None, runs, **quiet)
    runs.select(handlers.open, runs, shown, **quiet)
    runs.apply(handlers.compare, runs, shown, **quiet)
    runs.edit(handlers.rename, runs, runs, **quiet)
    deleted = runs.delete(
        handlers.delete,
        [runs, details],
        [runs, *shown],
        trigger_mode="multiple",  # a second one right after the first counts too
        **quiet,
    )
    app.lanes_follow(deleted, runs)
    again.click(
        handlers.repeat,
        details,
        [details, board, training, progress, again, stop],
        concurrency_limit=None,  # the device queue decides who waits, and says so
        **quiet,
    )
    stop.click(handlers.stop, queue=False, api_visibility="private")
    details.download(handlers.download, details, file, **quiet)
