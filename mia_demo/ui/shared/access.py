"""Which runs and added models a visitor may see and change.

A demo that is served to its own machine alone belongs to one person, who sees all runs, including
those of earlier visits. Anywhere else a browser tab sees its own runs and the recorded ones.
"""

from __future__ import annotations

import ipaddress
import os
from typing import Any

import gradio as gr

from mia_demo.system.space import space_name
from mia_demo.ui.engine.engine import Engine
from mia_demo.visitors.added_models import AddedModels

# Set by proxies and tunnels, through which anybody may connect.
FORWARDED = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via")


def is_private(request: gr.Request) -> bool:
    """Whether the demo is served on loopback only and the visitor connects from there."""
    served_on = os.environ.get("GRADIO_SERVER_NAME", "127.0.0.1")
    is_shared = os.environ.get("GRADIO_SHARE", "").lower() == "true" or bool(space_name())
    headers = {str(name).lower(): str(value) for name, value in dict(request.headers).items()}
    hosts = (served_on, _without_port(headers.get("host", "")), _client(request))
    return (
        not is_shared
        and not any(name in headers for name in FORWARDED)
        and all(_is_loopback(host) for host in hosts)
    )


def added_models(engine: Engine, request: gr.Request) -> AddedModels | None:
    """What this visitor added: everything on a private machine, else that of the tab."""
    if is_private(request):
        return engine.added.owner
    return engine.added.tab(engine.tab_keys.get(str(request.session_hash)) or "")


def _client(request: gr.Request) -> str:
    client: Any = request.client
    host = client["host"] if isinstance(client, dict) else getattr(client, "host", "")
    return str(host or "")


def _without_port(host: str) -> str:
    if host.startswith("["):
        return host[1:].split("]")[0]
    return host.split(":")[0]


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
