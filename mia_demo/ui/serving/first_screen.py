"""Puts the first screen before everything else that the page consists of."""

import logging
import re

from gradio.routes import App
from starlette.datastructures import MutableHeaders
from starlette.types import Message, Receive, Scope, Send

from mia_demo.errors import DemoError
from mia_demo.ui.serving.guards import Guard, is_page
from mia_demo.ui.shared.checked_blocks import CheckedBlocks

log = logging.getLogger(__name__)

CONFIG = b"<script>window.gradio_config ="  # as Gradio's page begins what its program needs
LINK = re.compile(rb"<link [^>]*>")
HEAD_END, APP = b"</head>", b"<gradio-app"


class Openings(Guard):
    """Gradio's page is half a megabyte of settings, styles and programs before its first word."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not is_page(scope):
            await self.app(scope, receive, send)
            return
        start: Message | None = None
        body = b""

        async def collect(message: Message) -> None:
            nonlocal start, body
            if message["type"] == "http.response.start":
                start = message
                return
            body += message.get("body", b"")
            if message.get("more_body") or start is None:
                return
            page = with_opening(body, _opening(scope)) if start["status"] == 200 else body
            MutableHeaders(scope=start)["content-length"] = str(len(page))
            await send(start)
            await send({"type": "http.response.body", "body": page})

        await self.app(scope, receive, collect)


def with_opening(page: bytes, opening: str) -> bytes:
    """The page with the opening first in its body, and only then the scripts of its head.

    Style sheets stay in the head, before those that Gradio adds there. A page of another shape is
    left as it is.
    """
    before, config, rest = page.partition(CONFIG)
    loaded, head_end, body = rest.partition(HEAD_END)
    tag, app, end = body.partition(APP)
    if not (opening and config and head_end and app) or b'"auth_required":true' in loaded:
        return page
    links = b"".join(LINK.findall(loaded))
    scripts = config + LINK.sub(b"", loaded)
    return b"".join((before, links, head_end, tag, opening.encode(), scripts, app, end))


def _opening(scope: Scope) -> str:
    app = scope.get("app")
    blocks = app.get_blocks() if isinstance(app, App) else None
    if not isinstance(blocks, CheckedBlocks):
        return ""
    try:
        return blocks.opening()
    except DemoError as error:  # the page itself says what is damaged
        log.warning("the page comes without its opening: %s", error)
        return ""
