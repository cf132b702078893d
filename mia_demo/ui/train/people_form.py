"""The part of the Train page for a visitor's own people."""

from html import escape
from typing import Any

import gradio as gr

from mia_demo.ui.engine.engine import EMBEDDED, Engine
from mia_demo.ui.shared.components import component
from mia_demo.ui.shared.forms import words
from mia_demo.ui.shared.handler import QUIET
from mia_demo.ui.shared.lanes import people_choices
from mia_demo.ui.train.handlers import THREE, TrainHandlers
from mia_demo.ui.train.people_handlers import CONSENT, PeopleHandlers
from mia_demo.ui.train.people_view import ALIGNMENT, NOBODY
from mia_demo.visitors.own_people import KEPT_HOURS
from mia_demo.visitors.upload import LIMITS

WORDS = f"""<div class="fine-print">
<p>Train classifiers on people of your own and attack those. Pack a zip with one folder of photos
for each person.</p>
<p>{escape(LIMITS)} {escape(ALIGNMENT)}</p>
<p>Nothing leaves the machine that runs this demo. What is kept there: the photos, shrunk, and what
you train on them, for {KEPT_HOURS} hours or until you delete it. It is bound to this browser tab by
a secret; other visitors cannot see or attack it.</p>
</div>"""

# The key stays in the tab until it is closed, and survives a reload.
REMEMBER_PEOPLE = "(panel) => { sessionStorage.setItem('own-people', panel.key || ''); }"
RECALL_PEOPLE = "() => sessionStorage.getItem('own-people') || ''"


class OwnPeopleForm:
    """Widgets of the form, added to the current column, and their wiring."""

    def __init__(self, engine: Engine, training: TrainHandlers) -> None:
        self.handlers = PeopleHandlers(engine, training)
        with gr.Accordion("Your own people", open=False, elem_classes="own-people-form"):
            with gr.Column(elem_classes="upload-form") as self.form:
                words(WORDS)
                self.consent = gr.Checkbox(False, label=CONSENT)
                self.upload = gr.UploadButton(
                    "Choose a zip of folders", file_types=[".zip"], interactive=False, size="md"
                )
            self.panel = component("train/people_panel", NOBODY)
            self.three = gr.Button(THREE, variant="primary", visible=False)
            self.estimate = words("", visible=False, elem_classes="fine-print")
        self.people = gr.Radio(
            people_choices(engine),
            value=EMBEDDED,
            label="Train on",
            elem_classes="people-choice",
        )

    def wire(
        self,
        images: gr.Slider,
        label: gr.HTML,
        own: gr.HTML,
        attacked: gr.Radio,
        *,
        training: list[Any],
        runs: list[Any],
    ) -> Any:
        """Connects the form with the rest of the page.

        Args:
            images: how many photos of each person.
            label: the smoothed label, which depends on the number of people.
            own: the list of classifiers.
            attacked: the Attack page's choice of people.
            training: the board and its four buttons.
            runs: events after which the estimate of the quick option changes.

        Returns:
            The event after which an opened app has the tab's people again.
        """
        shown = [self.panel, self.form, self.people, self.three, self.estimate, attacked]
        self.consent.change(
            lambda ticked: gr.update(interactive=ticked), self.consent, self.upload, **QUIET
        )
        uploaded = self.upload.upload(
            self.handlers.upload, [self.upload, self.consent], shown, **QUIET
        )
        deleted = self.panel.delete(self.handlers.delete, self.panel, [*shown, *training], **QUIET)
        for event in (uploaded, deleted):
            event.then(None, self.panel, None, js=REMEMBER_PEOPLE)
        chosen = self.people.change(
            self.handlers.choose, self.people, [own, images, label, self.three], **QUIET
        )
        for event in (*runs, chosen):
            event.then(self.handlers.estimate, self.people, self.estimate, **QUIET)
        # When the app is loaded. The input carries what js returns and never changes itself: a
        # change would trigger again.
        recalled = gr.Textbox(visible=False)
        return gr.on(
            fn=self.handlers.restore, inputs=recalled, outputs=shown, js=RECALL_PEOPLE, **QUIET
        )
