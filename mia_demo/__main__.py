"""``python -m mia_demo``."""

import sys

from mia_demo.system.hub_client import prepare_hub_client

prepare_hub_client()

from mia_demo.cli import main  # noqa: E402  what it imports reads the environment

sys.exit(main())
