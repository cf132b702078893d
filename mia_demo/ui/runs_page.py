"""The runs page: widgets and wiring."""

from __future__ import annotations

import gradio as gr

from mia_demo.ui.components.attack_board import attack_board
from mia_demo.ui.components.file_saver import file_saver
from mia_demo.ui.components.run_comparison import run_comparison
from mia_demo.ui.components.run_details import run_details
from mia_demo.ui.components.runs_list import runs_list
from mia_demo.ui.engine import Engine
from mia_demo.ui.runs_handlers import RunsHandlers


def build_runs_page(engine: Engine, tab: gr.Tab, lanes: list[gr.CheckboxGroup]) -> None:
    """Adds the page to the current Blocks.

    Args:
        tab: the page's own; the list is read again whenever it is chosen.
        lanes: the choice of lanes on other pages, which lose one when its training is deleted.
    """
    handlers = RunsHandlers(engine)
    with gr.Row(elem_classes="runs-page"):
        with gr.Column(scale=1, min_width=320, elem_classes="controls"):
            gr.HTML("<h2>Runs</h2>", apply_default_css=False)
            runs = runs_list()
        with gr.Column(scale=4, min_width=320):
            details = run_details()
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
            board = attack_board({}, "runs")
            compared = run_comparison()
            file = file_saver()

    quiet = {"show_progress": "hidden", "api_visibility": "private"}
    tab.select(handlers.listing, None, runs, **quiet)
    runs.select(handlers.open, runs, [details, board, compared, again, stop], **quiet)
    runs.apply(handlers.compare, runs, [details, board, compared, again, stop], **quiet)
    runs.edit(handlers.rename, runs, runs, **quiet)
    deleted = runs.delete(
        handlers.delete, [runs, details], [runs, details, board, compared, again, stop], **quiet
    )
    deleted.then(handlers.lanes, [runs, *lanes], lanes, **quiet)
    again.click(
        handlers.repeat,
        details,
        [details, board, again, stop],
        concurrency_limit=None,  # the device queue decides who waits, and says so
        **quiet,
    )
    stop.click(handlers.stop, queue=False, api_visibility="private")
    details.download(handlers.download, details, file, **quiet)
