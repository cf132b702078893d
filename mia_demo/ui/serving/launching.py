"""Starts the server, also on a machine that is busy with something else."""

import os
import threading
import time
from typing import Any

import gradio as gr
import uvicorn
from gradio import http_server
from starlette.middleware import Middleware

from mia_demo.system.space import space_name
from mia_demo.ui.engine.device_queue import MAX_WAITING
from mia_demo.ui.serving.first_screen import Openings
from mia_demo.ui.serving.guards import (
    TRUSTED_PROXIES,
    CompressedPage,
    ForeignOrigins,
    ForwardedHost,
    Logins,
    Readers,
    SeatCookies,
    SecurityHeaders,
)
from mia_demo.ui.serving.mistakes import Mistakes, OwnParameters
from mia_demo.ui.serving.upload_quota import Uploads
from mia_demo.ui.shared.theme import STYLES, make_theme
from mia_demo.visitors.upload import MAX_ZIP_BYTES

PATIENCE_SECONDS = 180.0
# A Space is behind its own; not *, which would believe whatever address a visitor sends.
SPACE_PROXIES = "127.0.0.1,::1,10.0.0.0/8,172.16.0.0/12,192.168.0.0/16"
GRADIO_POLL_SECONDS = 0.01  # Gradio's own millisecond costs a server at rest a tenth of a core
MAX_THREADS = MAX_WAITING + 60  # each waiting job holds one, and others must be answered


def launch(app: gr.Blocks, **options: Any) -> tuple[Any, str, str]:
    """Serves the app to this machine only, except on a Space or as GRADIO_SERVER_NAME says.

    Returns:
        The ASGI app, its address on this machine, and its public address if it is shared.
    """
    http_server.Server.run_in_thread = _start_patiently
    everywhere = "0.0.0.0" if space_name() else "127.0.0.1"  # noqa: S104
    if space_name():  # else all visitors would share one address, and its limits
        os.environ.setdefault(TRUSTED_PROXIES, SPACE_PROXIES)
    settings: dict[str, Any] = {
        "server_name": os.environ.get("GRADIO_SERVER_NAME", everywhere),
        "theme": make_theme(),
        "css_paths": STYLES,
        "run_history": False,  # would keep reconstructions in the visitor's browser
        "enable_monitoring": False,
        "ssr_mode": False,
        "pwa": False,
        "max_file_size": MAX_ZIP_BYTES,
        "show_error": False,
        "state_session_capacity": 100,
        "max_threads": MAX_THREADS,
        "footer_links": ["api"],
        "app_kwargs": {"middleware": guards()},
        # Gradio would ask its own page once, with three seconds' patience, and give up.
        "_frontend": False,
    }
    queued = app.queue(max_size=2 * MAX_WAITING, default_concurrency_limit=4)
    queued._queue.sleep_when_free = GRADIO_POLL_SECONDS
    return queued.launch(**{**settings, **options})


def guards() -> list[Middleware]:
    """What every request passes, outermost first."""
    passed = (
        *(CompressedPage, Openings, ForwardedHost, ForeignOrigins, Logins, SecurityHeaders),
        *(OwnParameters, SeatCookies, Readers, Mistakes, Uploads),
    )
    return [Middleware(guard) for guard in passed]


def _start_patiently(server: http_server.Server) -> None:
    """As Gradio's, which gives its server five seconds: too few with a tenth of a core.

    Raises:
        ServerFailedToStartError: it ended, as it does if the port is taken, or does not start.
    """
    server.thread = threading.Thread(target=uvicorn.Server.run, args=(server,), daemon=True)
    if server.reloader:
        server.watch_thread = threading.Thread(target=server.watch, daemon=True)
        server.watch_thread.start()
    server.thread.start()
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not server.started:
        server.thread.join(timeout=0.01)
        if not server.thread.is_alive() or time.monotonic() > deadline:
            raise http_server.ServerFailedToStartError("The server did not start.")
