"""The browser page. Gradio reads its environment on import, so it is prepared here, before that."""

import getpass
import inspect
import logging
import os
import tempfile
from pathlib import Path
from typing import Any

from mia_demo.system.hub_client import prepare_hub_client
from mia_demo.system.proxies import prepare_proxies, unusable_proxy

log = logging.getLogger(__name__)

# Nothing leaves the machine: no analytics, no version check, no Hub telemetry.
os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
prepare_hub_client()
# A shared /tmp/gradio that belongs to somebody else is a PermissionError. By number, since a
# container may run as a user without a name; Windows has no numbers.
_user = os.getuid() if hasattr(os, "getuid") else getpass.getuser()
os.environ.setdefault("GRADIO_TEMP_DIR", str(Path(tempfile.gettempdir()) / f"mia_demo-{_user}"))
prepare_proxies()
_getfile = inspect.getfile


def _no_file_of_components(object: Any) -> str:  # noqa: A002  named as there
    """Gradio parses the source of every component, to write stubs for editors beside it: half the
    time of its import. It does without where a class has no file."""
    if type(object).__name__ == "ComponentMeta":
        raise OSError("no stubs")
    return _getfile(object)


inspect.getfile = _no_file_of_components
if unusable_proxy():
    log.warning("%s Until then the Hugging Face Hub is not asked.", unusable_proxy())
