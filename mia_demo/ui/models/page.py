"""The models page: widgets and wiring."""

from __future__ import annotations

from typing import Any

import gradio as gr

from mia_demo.ui.engine.engine import Engine
from mia_demo.ui.models.handlers import ModelsHandlers
from mia_demo.ui.models.view import NOTHING
from mia_demo.ui.shared.components import component
from mia_demo.ui.shared.model_access import MAX_LANES
from mia_demo.visitors.added_models import MAX_UPLOAD_BYTES

HUB = f"""
<h2>1. Add a zoo of the Hub</h2>
<div class="fine-print"><p>Classifiers of the same people become lanes of the Attack page, which
shows up to {MAX_LANES} at once; a zoo of other people comes with its own prior and evaluator. The
Hub is asked when you press Load and not before.</p></div>
"""
FILES = f"""
<h2>2. Add a classifier from files</h2>
<div class="fine-print"><p>Its weights as safetensors, up to {MAX_UPLOAD_BYTES // 2**20} MB, and
its manifest entry as JSON: choose both at once. It must know the demo’s people. Pickles are never
opened.</p></div>
"""
CHECK = """
<h2>3. Check what is loaded</h2>
<div class="fine-print"><p>Targets and evaluators name everybody on photos that were kept from
them.</p></div>
"""
# The key stays in the tab: gone when it is closed, there after a reload.
REMEMBER = "(panel) => { sessionStorage.setItem('added-models', panel.key || ''); }"
RECALL = """(key, ...others) => [sessionStorage.getItem('added-models') || '', ...others]"""


def build_models_page(
    engine: Engine,
    tab: gr.Tab,
    lanes: gr.CheckboxGroup,
    attacked: gr.Radio,
    own: gr.HTML,
    restored: Any,
) -> None:
    """Adds the page to the current Blocks.

    Args:
        tab: the page's own; what is loaded is read again whenever it is chosen.
        lanes, attacked: the Attack page's choice of lanes and people.
        own: the panel of the visitor's own people.
        restored: the event after which an opened page has them.
    """
    handlers = ModelsHandlers(engine)
    with gr.Row(elem_classes="models-page"):
        with gr.Column(scale=1, min_width=320, elem_classes="controls"):
            gr.HTML(HUB, apply_default_css=False)
            address = gr.Textbox(
                label="Address of the zoo",
                placeholder="hf://user/repo@revision",
                info="A revision is a branch, a tag, or best the commit.",
                max_length=300,
            )
            with gr.Row(elem_classes="buttons"):
                load = gr.Button("Load", variant="primary", min_width=80)
                stop = gr.Button("Stop", variant="stop", interactive=False, min_width=80)
            gr.HTML(FILES, apply_default_css=False)
            upload = gr.UploadButton(
                "Choose weights and entry",
                file_count="multiple",
                file_types=[".safetensors", ".json"],
                size="md",
            )
            gr.HTML(CHECK, apply_default_css=False)
            measure = gr.Button("Measure accuracies again", size="md")
        with gr.Column(scale=4, min_width=320):
            panel = component("models/models_panel", NOTHING)

    quiet: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
    form = [panel, attacked, lanes, own]
    shown = [panel, attacked, lanes, load, stop]
    added = [
        gr.on(
            [load.click, address.submit],
            handlers.load,
            [address, *form],
            shown,
            trigger_mode="once",
            concurrency_limit=None,  # the queue of additions decides who waits, and says so
            **quiet,
        ),
        upload.upload(handlers.upload, [upload, *form], shown, concurrency_limit=None, **quiet),
    ]
    for event in added:
        event.then(None, panel, None, js=REMEMBER)
    stop.click(handlers.stop, queue=False, api_visibility="private")
    # A second removal right after the first counts too; the two tell the panel in order.
    ordered: dict[str, Any] = {"concurrency_id": "models panel", "concurrency_limit": 1}
    panel.delete(handlers.remove, form, shown, trigger_mode="multiple", **ordered, **quiet)
    measure.click(handlers.measure, [panel, own], panel, concurrency_limit=None, **quiet)
    tab.select(handlers.look, [panel, own], panel, **ordered, **quiet)
    recalled = gr.Textbox(visible=False)
    # After the visitor's own people: both are choices of the same field.
    restored.then(handlers.restore, [recalled, attacked, lanes, own], shown, js=RECALL, **quiet)
