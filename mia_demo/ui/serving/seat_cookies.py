"""Gives each browser the cookie that keeps its seat in a line-up's room."""

from __future__ import annotations

import secrets

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from mia_demo.ui.engine.seats import SEAT_COOKIE
from mia_demo.ui.serving.guards import Guard, is_page


class SeatCookies(Guard):
    """Sets it with the page, unless the browser has it: a random word, gone with the browser."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not is_page(scope) or SEAT_COOKIE in Request(scope).cookies:
            await self.app(scope, receive, send)
            return

        async def add(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message["headers"], *_cookie(scope)]}
            await send(message)

        await self.app(scope, receive, add)


def _cookie(scope: Scope) -> list[tuple[bytes, bytes]]:
    response = Response()
    response.set_cookie(
        SEAT_COOKIE,
        secrets.token_urlsafe(16),
        httponly=True,
        samesite="lax",
        secure=scope["scheme"] == "https",
    )
    return [header for header in response.raw_headers if header[0] == b"set-cookie"]
