"""A stand-in Hub, and this machine set up to use it: own cache, own token, no proxy."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from huggingface_hub import constants

from mia_demo.zoo import Zoo
from tests.hub_stand_in import OWNERS_TOKEN, HubStandIn
from tests.tiny_zoo import make_tiny_zoo

REPO = "ada/zoo"


@pytest.fixture(scope="session")
def tiny_zoo(tmp_path_factory: pytest.TempPathFactory) -> Zoo:
    return make_tiny_zoo(tmp_path_factory.mktemp("tiny") / "zoo")


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[HubStandIn]:
    """The client of this process asks the stand-in, as a user who is not logged in."""
    stand_in = HubStandIn()
    template = stand_in.url + "/{repo_id}/resolve/{revision}/{filename}"
    monkeypatch.setattr(constants, "ENDPOINT", stand_in.url)
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "token"))
    for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    yield stand_in
    stand_in.close()


@pytest.fixture
def owner(hub: HubStandIn, monkeypatch: pytest.MonkeyPatch) -> HubStandIn:
    """The same, logged in as the owner of the repositories."""
    monkeypatch.setenv("HF_TOKEN", OWNERS_TOKEN)
    return hub


@pytest.fixture
def commit(hub: HubStandIn, tiny_zoo: Zoo) -> str:
    """The tiny zoo is there; its commit."""
    return hub.host(tiny_zoo.root, REPO)
