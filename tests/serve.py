"""Serves the page in a process of its own: ``python -m tests.serve OUTBOUND_LOG [cold]``.

In one process a waiting gradio_client would hold the interpreter lock against the attack. Every
attempt to look up or reach another machine is refused and written to OUTBOUND_LOG. A page that is
``cold`` does not wait for its networks.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

LOCAL = {"127.0.0.1", "localhost", "::1", "0.0.0.0", "", None}  # noqa: S104


def refuse_outbound(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "socket.getaddrinfo":
        host = arguments[0]
    elif event == "socket.connect" and isinstance(arguments[1], tuple):
        host = arguments[1][0]
    else:
        return
    if isinstance(host, bytes):
        host = host.decode()
    if host not in LOCAL:
        with Path(sys.argv[1]).open("a", encoding="utf-8") as log:
            log.write(f"{event} {host}\n")
        raise PermissionError(f"outbound connection to {host}")


def main() -> None:
    # Before gradio is imported: it starts its telemetry at import, where it is not switched off.
    sys.addaudithook(refuse_outbound)
    from mia_demo.system.device import choose_compute
    from mia_demo.ui.app_page import build_app
    from mia_demo.ui.engine.engine import Engine
    from mia_demo.ui.serving.launching import launch
    from mia_demo.zoo.opening import open_zoo

    runs = Path(sys.argv[1]).with_name("runs")
    engine = Engine(open_zoo(), choose_compute("cpu"), runs)
    app = build_app(engine)
    if sys.argv[2:] != ["cold"]:
        engine.warm_up().wait()
    _, url, _ = launch(app, prevent_thread_lock=True, quiet=True)
    sys.stdout.write(f"{url}\n")
    sys.stdout.flush()
    app.block_thread()


if __name__ == "__main__":
    main()
