"""``python -m mia_demo``."""

import sys

from mia_demo.cli import main

sys.exit(main())
