"""Who asks for the device: read from the request that Gradio answers in this thread or task."""

import ipaddress
import os
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import gradio as gr
from gradio.context import LocalContext
from starlette.requests import Request

from mia_demo.errors import ConfigError
from mia_demo.system.space import space_name

MAX_CALLS_PER_ADDRESS = 40  # at once; a classroom behind one address
SESSION = "mia_demo.session"  # in a request's scope, where Gradio hands over no session
# Set by proxies and tunnels, through which anybody may come.
FORWARDED = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via")


@dataclass(frozen=True)
class Visitor:
    """One of several people who share the device."""

    session: str  # of a browser tab, or of one call of the API
    address: str


def current_visitor() -> Visitor | None:
    """Whose request it is; None for the owner at this machine, and outside of requests."""
    request: Any = LocalContext.request.get(None)
    tab = asking_tab()
    return None if tab is None else Visitor(tab, _client(request))


def asking_tab() -> str | None:
    """The tab whose request is being answered; None for the owner, and outside of requests."""
    request: Any = LocalContext.request.get(None)
    if request is None or is_private(request):
        return None
    if isinstance(request, gr.Request):
        return str(request.session_hash or "")
    return str(request.scope.get(SESSION) or "")  # a function of a component


def tab_setting() -> dict[str, str]:
    """Makes equal settings different plans in different tabs: nobody resumes another's."""
    tab = asking_tab()
    return {"tab": tab} if tab else {}


def is_private(request: gr.Request | Request) -> bool:
    """Whether the demo is served on loopback, and this visitor came that way."""
    served_on = os.environ.get("GRADIO_SERVER_NAME", "127.0.0.1")
    is_shared = os.environ.get("GRADIO_SHARE", "").lower() == "true" or bool(space_name())
    headers = {str(name).lower(): str(value) for name, value in dict(request.headers).items()}
    hosts = (served_on, _without_port(headers.get("host", "")), _client(request))
    return (
        not is_shared
        and not any(name in headers for name in FORWARDED)
        and all(_is_loopback(host) for host in hosts)
    )


class OpenStreams:
    """Which sessions' answers are being read: a server reports it, jobs ask."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._readers: Counter[str] = Counter()
        self.is_watched = False  # by a server; without one every stream counts as read

    def opened(self, session: str) -> None:
        with self._lock:
            self._readers[session] += 1

    def closed(self, session: str) -> None:
        with self._lock:
            self._readers -= Counter([session])  # and forgets who has none

    def is_read(self, session: str) -> bool:
        with self._lock:
            return not self.is_watched or session in self._readers


class Calls:
    """Counts calls of components' functions: each holds a thread until it is answered."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: Counter[str] = Counter()  # by address

    @contextmanager
    def counted(self) -> Iterator[None]:
        """
        Raises:
            ConfigError: this visitor's address has too many at once.
        """
        visitor = current_visitor()
        if visitor is None:
            yield
            return
        with self._lock:
            if self._running[visitor.address] >= MAX_CALLS_PER_ADDRESS:
                raise ConfigError("Too many requests from your network at once; try again.")
            self._running[visitor.address] += 1
        try:
            yield
        finally:
            with self._lock:
                self._running -= Counter([visitor.address])


STREAMS = OpenStreams()  # of events
TABS = OpenStreams()  # which open pages keep
CALLS = Calls()


def _client(request: gr.Request | Request) -> str:
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
