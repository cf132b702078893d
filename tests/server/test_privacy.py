"""Nothing leaves the machine, and nothing of a visit stays in the browser."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.request import urlopen

from gradio_client import Client

from tests.conftest import TINY_ATTACK
from tests.hub_stand_in import HubStandIn


def test_the_page_reaches_no_other_machine(
    app_url: str, outbound_log: Path, page_hub: HubStandIn
) -> None:
    asked = len(page_hub.requests)  # by tests that load a zoo
    client = Client(app_url, verbose=False, download_files=False)
    assert client.predict(7, settings=TINY_ATTACK, api_name="/attack")["phase"] == "done"
    client.close()
    assert not outbound_log.exists(), outbound_log.read_text()
    assert len(page_hub.requests) == asked


def test_run_history_and_analytics_are_off(app_url: str) -> None:
    with urlopen(f"{app_url}config") as response:  # noqa: S310
        config = json.load(response)
    assert config["analytics_enabled"] is False
    assert config["run_history"] is False
