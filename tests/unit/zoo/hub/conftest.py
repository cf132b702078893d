"""What the stand-in Hub holds, and who asks it."""

from __future__ import annotations

import pytest

from mia_demo.zoo.reading import Zoo
from tests.hub_stand_in import OWNERS_TOKEN, HubStandIn
from tests.tiny_zoo import make_tiny_zoo

REPO = "ada/zoo"


@pytest.fixture(scope="session")
def tiny_zoo(tmp_path_factory: pytest.TempPathFactory) -> Zoo:
    return make_tiny_zoo(tmp_path_factory.mktemp("tiny") / "zoo")


@pytest.fixture
def owner(hub: HubStandIn, monkeypatch: pytest.MonkeyPatch) -> HubStandIn:
    """The same, logged in as the owner of the repositories."""
    monkeypatch.setenv("HF_TOKEN", OWNERS_TOKEN)
    return hub


@pytest.fixture
def commit(hub: HubStandIn, tiny_zoo: Zoo) -> str:
    """The tiny zoo is there; its commit."""
    return hub.host(tiny_zoo.root, REPO)
