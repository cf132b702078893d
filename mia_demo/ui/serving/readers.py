"""Reports whose answers are being read, so that a job whose reader has gone can end."""

from __future__ import annotations

from urllib.parse import parse_qs

from gradio.routes import App
from starlette.types import ASGIApp, Receive, Scope, Send

from mia_demo.ui.engine.who_asks import STREAMS, TABS
from mia_demo.ui.serving.guards import Guard

QUEUE_STREAM = "/gradio_api/queue/data"
HEARTBEAT = "/gradio_api/heartbeat/"
CALL_STREAM = "/gradio_api/call/"


class Readers(Guard):
    """Follows the event streams that Gradio's page, its clients and plain HTTP open."""

    def __init__(self, app: ASGIApp) -> None:
        super().__init__(app)
        STREAMS.is_watched = TABS.is_watched = True

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        tab = _tab(scope)
        streams, session = (TABS, tab) if tab else (STREAMS, _session(scope))
        if not session:
            await self.app(scope, receive, send)
            return
        streams.opened(session)
        try:
            await self.app(scope, receive, send)
        finally:
            streams.closed(session)


def _tab(scope: Scope) -> str:
    """The open page that this request belongs to as long as it lasts; empty if none does."""
    path = str(scope["path"]) if scope["type"] == "http" else ""
    return path.removeprefix(HEARTBEAT) if path.startswith(HEARTBEAT) else ""


def _session(scope: Scope) -> str:
    """The session whose stream is asked for; empty if none is."""
    if scope["type"] != "http" or scope["method"] != "GET":
        return ""
    path = scope["path"]
    if path == QUEUE_STREAM:
        return parse_qs(scope["query_string"].decode("latin-1")).get("session_hash", [""])[0]
    if not path.startswith(CALL_STREAM):
        return ""
    event_id, app = path.rstrip("/").rsplit("/", 1)[1], scope.get("app")
    if not isinstance(app, App):
        return str(event_id)
    # A call without a session of its own has its event's id as one.
    event = app.get_blocks()._queue.event_ids_to_events.get(event_id)
    return str(event.session_hash if event else event_id)
