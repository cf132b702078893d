"""What the Hub's client reads from the environment when it is first imported.

Programs call ``prepare_hub_client`` before that; library users decide for themselves.
"""

import os


def prepare_hub_client() -> None:
    """No telemetry, no progress bars or warnings, and the one kind of transfer that is tested."""
    for name in ("TELEMETRY", "PROGRESS_BARS", "XET"):
        os.environ[f"HF_HUB_DISABLE_{name}"] = "1"
    os.environ.setdefault("HF_HUB_VERBOSITY", "error")
