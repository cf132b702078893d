"""The cookie by which a browser keeps its seat in a line-up's room."""

from typing import Any

from gradio.context import LocalContext

from mia_demo.ui.engine.line_up_game import Seat

SEAT_COOKIE = "mia_demo_seat"
MAX_COOKIE_LETTERS = 100


def asking_seat() -> Seat:
    """Cookie and address of the request that is being answered; both empty outside of requests."""
    request: Any = LocalContext.request.get(None)
    if request is None:
        return Seat("", "")
    address = request.client.host if request.client else ""
    return Seat(str(request.cookies.get(SEAT_COOKIE, ""))[:MAX_COOKIE_LETTERS], str(address))
