"""Malformed requests: a 4xx answer of one sentence, and one line in the log."""

import json
import logging
import traceback
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode

from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse, RedirectResponse
from starlette.types import Message, Receive, Scope, Send

from mia_demo.ui.engine.who_asks import SESSION
from mia_demo.ui.serving.guards import SAFE_METHODS, Guard
from mia_demo.ui.serving.upload_quota import API, UPLOAD
from mia_demo.ui.shared.checked_blocks import REFUSED

MAX_BODY_BYTES = 32 * 2**20  # of JSON; a page sends its boards, pictures and all
MAX_FORM_BYTES = 64 * 2**10  # of everything else that is no upload, such as a login
MALFORMED = "This request is malformed; nothing was done."
# Gradio reads these of the page's address. It has one page only, no deep links, and two views.
UNUSED_PARAMETERS = {"page", "deep_link"}
VIEWS = {"api", "settings"}

log = logging.getLogger(__name__)


class Mistakes(Guard):
    """Answers what Gradio stumbles over, before it can print a traceback."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        refused: list[str] = []
        token = REFUSED.set(refused)
        has_begun = False

        async def watch(message: Message) -> None:
            nonlocal has_begun
            if message["type"] == "http.response.start":
                has_begun = True
                if message["status"] == 500 and refused:  # a visitor's mistake, says Gradio's Error
                    message = {**message, "status": 400}
            await send(message)

        try:
            if _is_json_call(scope):
                receive = await _checked_body(scope, receive)
            elif scope["method"] not in SAFE_METHODS and scope["path"].rstrip("/") != UPLOAD:
                body = await _read(receive, MAX_FORM_BYTES)
                receive = _once_more(body, receive)
            await self.app(scope, receive, watch)
        except HTTPException as error:  # of ours: Gradio answers its own
            await PlainTextResponse(error.detail, error.status_code)(scope, receive, send)
        except Exception as error:
            log.warning("refused: %s %r: %s", scope["method"], scope["path"][:100], _where(error))
            if has_begun:
                await send({"type": "http.response.body", "body": b"", "more_body": False})
            else:
                await PlainTextResponse(MALFORMED, 400)(scope, receive, send)
        finally:
            REFUSED.reset(token)


class OwnParameters(Guard):
    """Takes what Gradio would read, and stumble over, out of the page's address."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] in ("GET", "HEAD") and scope["path"] == "/":
            query = scope["query_string"].decode("latin-1")
            told = parse_qsl(query, keep_blank_values=True)
            kept = [(name, value) for name, value in told if not _is_unused(name, value)]
            if len(kept) < len(told):
                # Relative, because a proxy may serve the page under another path.
                address = f"?{urlencode(kept)}" if kept else "."
                await RedirectResponse(address, 307)(scope, receive, send)
                return
        await self.app(scope, receive, send)


def _is_unused(name: str, value: str) -> bool:
    return name in UNUSED_PARAMETERS or (name == "view" and value not in VIEWS)


def _is_json_call(scope: Scope) -> bool:
    """Whether the body must be JSON: files come through uploads alone."""
    path = scope["path"]
    return scope["method"] == "POST" and path.startswith(API) and path.rstrip("/") != UPLOAD


async def _checked_body(scope: Scope, receive: Receive) -> Receive:
    """Reads a body that should be a JSON object, and notes whose session it names.

    Raises:
        HTTPException: too large, or something else.
    """
    body = await _read(receive, MAX_BODY_BYTES)
    try:
        values = json.loads(body, parse_constant=_no_number)
        json.dumps(values, ensure_ascii=False).encode()  # half a surrogate pair is no text
    except (ValueError, RecursionError):
        values = None
    # Gradio treats an empty session as none, and fails later.
    if not isinstance(values, dict) or values.get("session_hash") == "":
        log.warning("refused: POST %r: no JSON object", scope["path"][:100])
        raise HTTPException(400, "The body must be a JSON object, and its session not empty.")
    scope[SESSION] = values.get("session_hash")
    return _once_more(body, receive)


async def _read(receive: Receive, most: int) -> bytes:
    """The body of a request.

    Raises:
        HTTPException: it has more bytes.
    """
    body = b""
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return body
        body += message.get("body", b"")
        if len(body) > most:
            raise HTTPException(413, f"At most {most:,} bytes are read.")
        if not message.get("more_body", False):
            return body


def _once_more(body: bytes, receive: Receive) -> Receive:
    """For the app, which has not seen that the body was read."""
    is_sent = False

    async def again() -> Message:
        nonlocal is_sent
        if is_sent:
            return await receive()
        is_sent = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again


def _no_number(text: str) -> Any:
    raise ValueError(f"{text} is not a number of JSON")


def _where(error: Exception) -> str:
    """The error and the line that raised it, on one line."""
    place = traceback.extract_tb(error.__traceback__)[-1]
    words = " ".join(str(error).split())[:200]
    return f"{type(error).__name__}: {words} ({Path(place.filename).name}, line {place.lineno})"
