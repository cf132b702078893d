"""Serves the page in a process of its own: ``python -m tests.serve``.

In one process a waiting gradio_client would hold the interpreter lock against the attack.
"""

from __future__ import annotations

import sys

from mia_demo.device import choose_compute
from mia_demo.ui.app_page import build_app, launch
from mia_demo.ui.engine import Engine
from mia_demo.zoo import open_zoo


def main() -> None:
    engine = Engine(open_zoo(), choose_compute("cpu"))
    app = build_app(engine)
    engine.warm_up().wait()
    _, url, _ = launch(app, prevent_thread_lock=True, quiet=True)
    sys.stdout.write(f"{url}\n")
    sys.stdout.flush()
    app.block_thread()


if __name__ == "__main__":
    main()
