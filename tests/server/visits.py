"""Requests of visitors who sit at the machine itself, or come from elsewhere."""

from __future__ import annotations

import fastapi
import gradio as gr

ABROAD = {"client": "203.0.113.5", "host": "demo.example:7860"}


def visit(
    session: str = "a", *, client: str = "127.0.0.1", host: str = "127.0.0.1:7860", **headers: str
) -> gr.Request:
    named = {"host": host, **{name.replace("_", "-"): value for name, value in headers.items()}}
    scope = {
        "type": "http",
        "headers": [(name.encode(), value.encode()) for name, value in named.items()],
        "client": (client, 1234),
    }
    return gr.Request(fastapi.Request(scope), session_hash=session)
