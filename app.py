"""Starts the page: ``python app.py``, and the entry point of a Hugging Face Space."""

from __future__ import annotations

import logging

from mia_demo.device import choose_compute
from mia_demo.errors import DemoError
from mia_demo.ui.app_page import build_app, build_failed_app, launch
from mia_demo.ui.engine import Engine
from mia_demo.zoo import open_zoo


def main() -> None:
    """Builds the page, warms the networks up in the background, serves until interrupted."""
    try:
        engine = Engine(open_zoo(), choose_compute())
        app = build_app(engine)
        engine.warm_up()
    except DemoError as error:
        logging.getLogger(__name__).error("%s", error)
        app = build_failed_app(str(error))
    launch(app)


if __name__ == "__main__":
    main()
