"""Starts the page: ``python app.py``, and the entry point of a Hugging Face Space.

``--zoo`` (or MIA_ZOO, for a Space) chooses another zoo, also one of the Hub; visitors must give
MIA_LOGIN, if it is set.
"""

from __future__ import annotations

import argparse
import logging
import os

from mia_demo.errors import DemoError
from mia_demo.system.device import choose_compute
from mia_demo.system.streams import prepare_output
from mia_demo.ui.app_page import build_app, build_failed_app
from mia_demo.ui.engine.engine import Engine
from mia_demo.ui.serving.launching import launch
from mia_demo.zoo.opening import open_zoo

log = logging.getLogger(__name__)


def open_engine(location: str | None) -> tuple[Engine, str]:
    """The engine on the requested zoo, else on the embedded one with the reason for that."""
    try:
        return Engine(open_zoo(location), choose_compute()), ""
    except DemoError as error:
        if not location:
            raise
        notice = f"{error} This is the embedded zoo instead."
        log.error("%s", notice)
        return Engine(open_zoo(), choose_compute()), notice


def login() -> tuple[str, str] | None:
    """What visitors must give. In the environment, because anybody reads a command line."""
    user, _, password = os.environ.get("MIA_LOGIN", "").partition(":")
    if bool(user) != bool(password):
        raise SystemExit("MIA_LOGIN must be USER:PASSWORD.")
    return (user, password) if user else None


def main() -> None:
    """Builds the page, warms the networks up in the background, serves until interrupted."""
    prepare_output()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--zoo",
        default=os.environ.get("MIA_ZOO"),
        help="zoo folder or hf://user/repo@revision (default: MIA_ZOO, else the embedded zoo)",
    )
    auth = login()
    try:
        engine, notice = open_engine(parser.parse_args().zoo)
        app = build_app(engine, notice)
        engine.start()
    except DemoError as error:
        log.error("%s", error)
        app = build_failed_app(str(error))
    launch(app, auth=auth)


if __name__ == "__main__":
    main()
