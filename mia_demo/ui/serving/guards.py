"""What every request passes before Gradio sees it; what every answer carries.

Each guard is an ASGI middleware. Answers are streams, so only their first message is touched.
"""

import ipaddress
import os
import secrets
import time
from collections import OrderedDict
from urllib.parse import parse_qs, urlsplit

from gradio.brotli_middleware import BrotliMiddleware
from gradio.routes import App
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mia_demo.system.space import space_name
from mia_demo.ui.engine.seats import SEAT_COOKIE
from mia_demo.ui.engine.who_asks import STREAMS, TABS, OpenStreams

# Whose X-Forwarded headers count, as uvicorn reads it: addresses and networks, or *.
TRUSTED_PROXIES = "FORWARDED_ALLOW_IPS"
ROOT_HEADERS = {b"x-forwarded-host", b"x-forwarded-proto", b"x-gradio-server"}
COMPRESSED = {("GET", "/"), ("POST", "/gradio_api/component_server/")}
SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}
QUEUE_STREAM = "/gradio_api/queue/data"
HEARTBEAT = "/gradio_api/heartbeat/"
CALL_STREAM = "/gradio_api/call/"

# Gradio's page evaluates its templates and starts inline scripts; nothing comes from elsewhere.
POLICY = {
    "default-src": "'self'",
    "script-src": "'self' 'unsafe-inline' 'unsafe-eval' blob:",
    "style-src": "'self' 'unsafe-inline'",
    "img-src": "'self' data: blob:",
    "media-src": "'self' data: blob:",
    "font-src": "'self' data:",
    "worker-src": "'self' blob:",
    "object-src": "'none'",
    "base-uri": "'self'",
    "form-action": "'self'",
}
SPACE_FRAMES = "https://huggingface.co https://*.huggingface.co https://*.hf.space"

MAX_WRONG_LOGINS = 5  # of an address, before it has to wait
LOGIN_WAIT_SECONDS = 30.0
MAX_WAITING_ADDRESSES = 10_000


class Guard:
    """Stands between the server and an app."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app


class ForwardedHost(Guard):
    """Lets nobody but the owner's proxies say what the page's address is.

    Gradio builds links from ``X-Forwarded-Host`` whoever sends it.
    """

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not _comes_through_proxy(scope):
            kept = [(name, value) for name, value in scope["headers"] if name not in ROOT_HEADERS]
            scope = {**scope, "headers": kept}
        await self.app(scope, receive, send)


class ForeignOrigins(Guard):
    """Refuses what other sites' pages would change here in a visitor's name."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        changes = scope["type"] == "http" and scope["method"] not in SAFE_METHODS
        if changes and _is_foreign(Headers(scope=scope)):
            refusal = "Requests from pages of other sites are refused; open the demo itself."
            await PlainTextResponse(refusal, 403)(scope, receive, send)
        else:
            await self.app(scope, receive, send)


class Logins(Guard):
    """Slows down password guessing: five wrong ones, then one per half minute."""

    def __init__(self, app: ASGIApp) -> None:
        super().__init__(app)
        # Count and last time; for the event loop alone.
        self._wrong: OrderedDict[str, tuple[int, float]] = OrderedDict()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_login = scope["type"] == "http" and scope["method"] == "POST"
        if not is_login or scope["path"].rstrip("/") not in ("/login", "/gradio_api/login"):
            await self.app(scope, receive, send)
            return
        address = str((scope.get("client") or ("",))[0])
        count, last = self._wrong.get(address, (0, 0.0))
        wait = last + LOGIN_WAIT_SECONDS - time.monotonic()
        if count >= MAX_WRONG_LOGINS and wait > 0:
            refusal = f"Too many wrong logins; try again in {wait:.0f} s."
            response = PlainTextResponse(refusal, 429, {"Retry-After": f"{wait:.0f}"})
            await response(scope, receive, send)
            return
        # Before the answer is known: guesses may come at the same moment.
        self._wrong[address] = (count + 1, time.monotonic())
        self._wrong.move_to_end(address)
        if len(self._wrong) > MAX_WAITING_ADDRESSES:
            self._wrong.popitem(last=False)

        async def watch(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] < 400:
                self._wrong.pop(address, None)
            await send(message)

        await self.app(scope, receive, watch)


class SecurityHeaders(Guard):
    """Adds the headers that limit what a browser may run, frame and guess."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def add(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.setdefault("Content-Security-Policy", _policy())
                headers["X-Content-Type-Options"] = "nosniff"
                headers["Referrer-Policy"] = "same-origin"
            await send(message)

        await self.app(scope, receive, add if scope["type"] == "http" else send)


class CompressedPage(Guard):
    """Compresses the page, and what its parts ask for: Gradio compresses files by their ending, and
    these have none."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or (scope["method"], scope["path"]) not in COMPRESSED:
            await self.app(scope, receive, send)
            return

        async def page(_: Scope, receive: Receive, send: Send) -> None:
            await self.app(scope, receive, send)

        await BrotliMiddleware(page)({**scope, "path": "/any.html"}, receive, send)


class SeatCookies(Guard):
    """Gives each browser the cookie that keeps its seat in a line-up's room.

    It comes with the page, unless the browser has it: a random word, gone with the browser.
    """

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not is_page(scope) or SEAT_COOKIE in Request(scope).cookies:
            await self.app(scope, receive, send)
            return
        given = Response()
        given.set_cookie(
            SEAT_COOKIE,
            secrets.token_urlsafe(16),
            httponly=True,
            samesite="lax",
            secure=scope["scheme"] == "https",
        )

        async def add(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).append("set-cookie", given.headers["set-cookie"])
            await send(message)

        await self.app(scope, receive, add)


class Readers(Guard):
    """Reports whose answers are being read, so that a job whose reader has gone can end.

    It follows the event streams that Gradio's page, its clients and plain HTTP open.
    """

    def __init__(self, app: ASGIApp) -> None:
        super().__init__(app)
        STREAMS.is_watched = TABS.is_watched = True

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        streams, session = _stream(scope)
        if not session:
            await self.app(scope, receive, send)
            return
        streams.opened(session)
        try:
            await self.app(scope, receive, send)
        finally:
            streams.closed(session)


def is_page(scope: Scope) -> bool:
    """Whether the page itself is asked for."""
    return scope["type"] == "http" and scope["method"] == "GET" and scope["path"] == "/"


def _policy() -> str:
    ancestors = f"'self' {SPACE_FRAMES}" if space_name() else "'self'"
    parts = {**POLICY, "frame-ancestors": ancestors}
    return "; ".join(f"{name} {value}" for name, value in parts.items())


def _is_foreign(headers: Headers) -> bool:
    """By ``Sec-Fetch-Site``; in old browsers, or over plain HTTP, by ``Origin``."""
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site not in ("same-origin", "none")
    origin = headers.get("origin")
    if origin is None:  # no browser
        return False
    own = (headers.get("host"), headers.get("x-forwarded-host"), os.environ.get("SPACE_HOST"))
    return urlsplit(origin).netloc.lower() not in [name.lower() for name in own if name]


def _stream(scope: Scope) -> tuple[OpenStreams, str]:
    """The open page or the session whose stream is asked for; empty if none is."""
    path = str(scope["path"]) if scope["type"] == "http" else ""
    if path.startswith(HEARTBEAT):
        return TABS, path.removeprefix(HEARTBEAT)
    if path == QUEUE_STREAM and scope["method"] == "GET":
        query = parse_qs(scope["query_string"].decode("latin-1"))
        return STREAMS, query.get("session_hash", [""])[0]
    if not path.startswith(CALL_STREAM) or scope["method"] != "GET":
        return STREAMS, ""
    event_id, app = path.rstrip("/").rsplit("/", 1)[1], scope.get("app")
    # A call without a session of its own has its event's id as one.
    events = app.get_blocks()._queue.event_ids_to_events if isinstance(app, App) else {}
    event = events.get(event_id)
    return STREAMS, str(event.session_hash if event else event_id)


def _comes_through_proxy(scope: Scope) -> bool:
    """Whether the peer is a proxy of the owner, or the Space's own.

    Where uvicorn trusts the peer, it has put the visitor's address in its place, with port 0.
    """
    if space_name():
        return True
    trusted = os.environ.get(TRUSTED_PROXIES, "")
    host, port = scope.get("client") or ("", -1)
    return bool(trusted) and (port == 0 or _is_listed(str(host), trusted))


def _is_listed(host: str, trusted: str) -> bool:
    for part in trusted.split(","):
        try:
            if part.strip() == "*" or ipaddress.ip_address(host) in ipaddress.ip_network(
                part.strip(), strict=False
            ):
                return True
        except ValueError:
            continue
    return False
