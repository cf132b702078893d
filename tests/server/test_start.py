"""Which zoo the page starts with."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from huggingface_hub import constants

from app import open_engine
from mia_demo.ui.app_page import build_app
from tests.hub_stand_in import HubStandIn
from tests.tiny_zoo import make_tiny_zoo


def use_hub(monkeypatch: pytest.MonkeyPatch, url: str, cache: Path) -> None:
    template = url + "/{repo_id}/resolve/{revision}/{filename}"
    monkeypatch.setattr(constants, "ENDPOINT", url)
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(cache))


def test_the_page_starts_with_a_zoo_of_the_hub(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub = HubStandIn()
    use_hub(monkeypatch, hub.url, tmp_path / "cache")
    commit = hub.host(make_tiny_zoo(tmp_path / "zoo").root, "ada/zoo")
    engine, notice = open_engine("hf://ada/zoo")
    hub.close()
    assert notice == ""
    assert engine.zoo.origin == f"hf://ada/zoo@{commit}"
    assert len(engine.identities) == 3
    page = str(build_app(engine).get_config_file())
    assert "Identities of another zoo" in page
    assert "All identities are synthetic" not in page


def test_without_the_hub_the_embedded_zoo_goes_on_and_the_page_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    use_hub(monkeypatch, f"http://127.0.0.1:{port}", tmp_path)
    engine, notice = open_engine("hf://ada/zoo")
    assert engine.zoo.origin is None
    assert engine.zoo.target_names()[:3] == ["positive", "zero", "negative"]
    assert "cannot be reached" in notice
    assert notice.endswith("This is the embedded zoo instead.")
