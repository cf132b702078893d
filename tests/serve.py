"""Serves the page on a zoo in a process of its own: ``python -m tests.serve ZOO``.

In one process a waiting gradio_client would hold the interpreter lock against the attack.
"""

from __future__ import annotations

import sys
from pathlib import Path

from mia_demo.device import choose_compute
from mia_demo.ui.app_page import build_app, launch
from mia_demo.ui.engine import Engine
from mia_demo.zoo import Zoo


def main() -> None:
    engine = Engine(Zoo(Path(sys.argv[1])), choose_compute("cpu"))
    app = build_app(engine)
    engine.warm_up().wait()
    _, url, _ = launch(app, prevent_thread_lock=True, quiet=True)
    sys.stdout.write(f"{url}\n")
    sys.stdout.flush()
    app.block_thread()


if __name__ == "__main__":
    main()
