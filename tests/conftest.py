"""Fixtures that several test folders share."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from mia_demo.system.hub_client import prepare_hub_client

prepare_hub_client()  # as the programs do

from huggingface_hub import constants  # noqa: E402

from tests.hub_stand_in import HubStandIn  # noqa: E402

# Test files run in two processes; inherited by the pages and commands that tests start.
os.environ.setdefault("OMP_NUM_THREADS", "1")

ROOT = Path(__file__).parent.parent
# Settings of an attack of a second, for calls in which it does not matter what it finds.
TINY_ATTACK = ["candidates=2", "kept=2", "steps=3", "selection_rounds=1", "pool_size=100"]


class FileTitles:
    """Names every test file when its first test starts, with the seconds since the beginning.

    With several processes pytest prints nothing before a test has ended, which may take a minute.
    """

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.named: set[str] = set()
        self.started = time.monotonic()

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        file = nodeid.partition("::")[0]
        if file not in self.named:
            self.named.add(file)
            reporter = self.config.pluginmanager.get_plugin("terminalreporter")
            reporter.write(f"\n{time.monotonic() - self.started:4.0f} s {file} ")
            reporter.flush()


def pytest_configure(config: pytest.Config) -> None:
    if getattr(config.option, "numprocesses", None) and not hasattr(config, "workerinput"):
        config.pluginmanager.register(FileTitles(config))


@pytest.fixture
def brief_quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """The preset ``quick`` is one of a second, where it does not matter what it finds."""
    from mia_demo.attack.config import PRESETS  # imports torch, which pytest's own process need not

    few = {"candidates": 4, "kept": 4, "steps": 3, "selection_rounds": 2}
    monkeypatch.setitem(PRESETS, "quick", {**PRESETS["quick"], **few})


@pytest.fixture(scope="session")
def outbound_log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the page's process notes attempts to reach another machine."""
    return tmp_path_factory.mktemp("outbound") / "log.txt"


@pytest.fixture(scope="session")
def page_hub() -> Iterator[HubStandIn]:
    """The Hub that the page asks, if a visitor asks for it."""
    stand_in = HubStandIn()
    yield stand_in
    stand_in.close()


@pytest.fixture(scope="session")
def app_url(
    tmp_path_factory: pytest.TempPathFactory, outbound_log: Path, page_hub: HubStandIn
) -> Iterator[str]:
    """A running page on the embedded zoo, warmed up."""
    environment = {
        **os.environ,
        "GRADIO_TEMP_DIR": str(tmp_path_factory.mktemp("gradio")),
        "GRADIO_IS_E2E_TEST": "1",  # a closed tab is noticed in a quarter of a second
        "NO_PROXY": "127.0.0.1,localhost",
        "HF_ENDPOINT": page_hub.url,
        "HF_HOME": str(tmp_path_factory.mktemp("hub")),
    }
    server = subprocess.Popen(
        [sys.executable, "-m", "tests.serve", str(outbound_log)],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert server.stdout is not None
    url = server.stdout.readline().strip()
    assert url, "the page did not start; its message is above"
    yield url
    server.terminate()
    server.wait(timeout=20)


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[HubStandIn]:
    """A stand-in Hub, and this process set up to use it: own cache, no token, no proxy."""
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
