"""Offers an unfinished training of an earlier visit, when the app is opened."""

from collections.abc import Mapping
from typing import Any

import gradio as gr

from mia_demo.ui.engine.people_training import Series
from mia_demo.ui.engine.training import unfinished_trainings
from mia_demo.ui.engine.training_form import form_of
from mia_demo.ui.engine.who_asks import is_private
from mia_demo.ui.train.handlers import TrainHandlers, idle_buttons, presenter_of

FORM_NAMES = ("alpha", "photos", "epochs", "schedule", "architecture", "learning_rate", "seed")
ENDING_SECONDS = 20.0  # a closed tab is noticed, and its training ends after its step
NO_OFFER = tuple(gr.skip() for _ in range(5 + len(FORM_NAMES)))


def offer_unfinished(
    handlers: TrainHandlers, request: gr.Request, linked: Mapping[str, Any] | None
) -> tuple[Any, ...]:
    """The newest one, on a machine of one's own; elsewhere nobody knows whose it was.

    A tab may be reopened before its training has ended: this waits for that end.

    Args:
        linked: the settings of a link to the page, which must be the training's.

    Returns:
        Updates of the board, the four buttons and the form.
    """
    if not is_private(request):
        return NO_OFFER
    engine, session = handlers.engine, str(request.session_hash)
    for plan in unfinished_trainings(engine.zoo, engine.runs):
        form = form_of(plan.config, plan.images)
        if "schedule" not in form or (linked and form != linked):
            continue
        if not handlers.is_free(plan, ENDING_SECONDS) or not plan.epochs_done():
            continue
        if session in handlers.series:  # another training was begun meanwhile
            break
        series = Series(engine.embedded, (plan,))
        handlers.series[session] = series
        board = presenter_of(series, 0).found()
        return board.to_json(), *idle_buttons(series), *(form[name] for name in FORM_NAMES)
    return NO_OFFER
