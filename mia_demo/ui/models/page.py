"""The Models page: widgets and wiring."""

from typing import Any

import gradio as gr

from mia_demo.ui.models.handlers import ModelsHandlers
from mia_demo.ui.models.view import NOTHING
from mia_demo.ui.shared.address import AddressPage
from mia_demo.ui.shared.app_state import AppState
from mia_demo.ui.shared.components import component
from mia_demo.ui.shared.forms import start_and_stop_buttons, words
from mia_demo.ui.shared.handler import JOB_EVENT, QUIET, wire_stop
from mia_demo.ui.shared.lanes import MAX_BOARD_LANES
from mia_demo.visitors.added_models import MAX_UPLOAD_BYTES

HUB = f"""
<h2>Add a zoo from the Hub</h2>
<div class="fine-print"><p>Its classifiers become lanes of the Attack page, up to {MAX_BOARD_LANES}
at once. The Hub is asked when you press Load.</p></div>
"""
FILES = f"""
<h2>Add a classifier from files</h2>
<div class="fine-print"><p>Weights as safetensors, up to {MAX_UPLOAD_BYTES // 2**20} MB, and their
manifest entry as JSON: choose both at once. Pickles are never opened.</p></div>
"""
CHECK = "<h2>Check what is loaded</h2>"
# The key stays in the tab until it is closed, and survives a reload.
REMEMBER_MODELS = "(panel) => { sessionStorage.setItem('added-models', panel.key || ''); }"
RECALL_MODELS = """(key, ...others) => [sessionStorage.getItem('added-models') || '', ...others]"""


def build_models_page(app: AppState, page: AddressPage) -> None:
    """Adds the page to the current Blocks; it is refreshed whenever its tab is opened."""
    handlers = ModelsHandlers(app.engine)
    own = app.own_people
    with gr.Row(elem_classes="models-page"):
        with gr.Column(scale=1, min_width=320, elem_classes="controls"):
            words(HUB)
            address = gr.Textbox(
                label="Address of the zoo",
                placeholder="hf://user/repo@revision",
                info="A revision is a branch, a tag, or, better, a commit.",
                max_length=300,
            )
            load, stop = start_and_stop_buttons("Load")
            words(FILES)
            upload = gr.UploadButton(
                "Choose weights and entry",
                file_count="multiple",
                file_types=[".safetensors", ".json"],
                size="md",
            )
            words(CHECK)
            measure = gr.Button("Measure accuracies again", size="md")
        with gr.Column(scale=4, min_width=320):
            panel = component("models/models_panel", NOTHING)

    visitor = [app.attack_people, app.attack_lanes, own]
    form = [panel, *visitor]
    shown = [panel, app.attack_people, app.attack_lanes, load, stop]
    added = [
        gr.on(
            [load.click, address.submit],
            handlers.load,
            [address, *form],
            shown,
            trigger_mode="once",
            **JOB_EVENT,
        ),
        upload.upload(handlers.upload, [upload, *form], shown, **JOB_EVENT),
    ]
    for event in added:
        event.then(None, panel, None, js=REMEMBER_MODELS)
    wire_stop(stop, handlers.additions)
    # A second removal right after the first counts too, and they update the panel in order.
    ordered: dict[str, Any] = {"concurrency_id": "models panel", "concurrency_limit": 1}
    panel.delete(handlers.remove, form, shown, trigger_mode="multiple", **ordered, **QUIET)
    measure.click(handlers.measure, [panel, own], panel, **JOB_EVENT)
    page.tab.select(handlers.look, [panel, own], panel, **ordered, **QUIET)
    recalled = gr.Textbox(visible=False)
    # After the own people, because both change the same choice.
    app.own_people_restored.then(
        handlers.restore, [recalled, *visitor], shown, js=RECALL_MODELS, **QUIET
    )
