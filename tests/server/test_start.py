"""Which zoo the page starts with, and what it is made of."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from gradio.exceptions import ServerFailedToStartError
from huggingface_hub import constants

from app import login, open_engine
from mia_demo.system.device import choose_compute
from mia_demo.ui.app_page import build_app
from mia_demo.ui.engine.engine import Engine
from mia_demo.ui.serving import launching
from mia_demo.ui.serving.launching import launch
from tests.hub_stand_in import HubStandIn
from tests.tiny_zoo import make_tiny_zoo

ROOT = Path(__file__).parents[2]


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


def test_a_space_is_served_to_everybody_and_can_be_duplicated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = Engine(make_tiny_zoo(tmp_path / "zoo"), choose_compute("cpu"), tmp_path / "runs")
    assert "duplicate=true" not in str(build_app(engine).get_config_file())
    monkeypatch.setenv("SPACE_ID", "ada/smooth")
    monkeypatch.delenv("GRADIO_SERVER_NAME", raising=False)
    app = build_app(engine)
    page = str(app.get_config_file())
    assert "https://huggingface.co/spaces/ada/smooth?duplicate=true" in page
    launched: dict[str, Any] = {}
    monkeypatch.setattr(type(app), "launch", lambda _, **options: launched.update(options))
    launch(app)
    assert launched["server_name"] == "0.0.0.0"  # noqa: S104


def test_no_event_tells_components_that_it_loads(tmp_path: Path) -> None:
    """Gradio looks all of them up at each change of any event's state: a third of a page's work."""
    engine = Engine(make_tiny_zoo(tmp_path / "zoo"), choose_compute("cpu"), tmp_path / "runs")
    events = build_app(engine).get_config_file()["dependencies"]
    asked = [event for event in events if event["backend_fn"] and event["targets"]]
    assert asked
    telling = [e["api_name"] for e in asked if e["show_progress_on"] != []]
    assert telling == []


def test_a_login_is_asked_for_if_one_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    assert login() is None
    monkeypatch.setenv("MIA_LOGIN", "class:se:cret")
    assert login() == ("class", "se:cret")
    monkeypatch.setenv("MIA_LOGIN", "class")
    with pytest.raises(SystemExit, match="USER:PASSWORD"):
        login()


def test_a_proxy_in_the_environment_does_not_keep_the_page_from_starting(tmp_path: Path) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        proxy = f"127.0.0.1:{nobody.getsockname()[1]}"
        exempt = {name: os.environ[name] for name in os.environ if name.lower() != "no_proxy"}
        environment = {
            **exempt,
            "HTTP_PROXY": f"http://{proxy}",
            "ALL_PROXY": f"socks5://{proxy}",
            "GRADIO_TEMP_DIR": str(tmp_path / "gradio"),
        }
        server = subprocess.Popen(
            [sys.executable, "-m", "tests.serve", str(tmp_path / "log.txt"), "cold"],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert server.stdout is not None
        assert server.stderr is not None
        url = server.stdout.readline().strip()
        server.terminate()
        messages = server.stderr.read()
    assert url.startswith("http://127.0.0.1:"), messages
    assert "ALL_PROXY names a SOCKS proxy" in messages
    assert "Traceback" not in messages


class SlowServer:
    """Starts when a clock that runs a second a look has run for a minute and a half."""

    reloader = None

    def __init__(self, monkeypatch: pytest.MonkeyPatch, dies_after: float = 1e9) -> None:
        self.now = 0.0
        self.dies_after = dies_after
        self.ended = threading.Event()
        monkeypatch.setattr(launching.time, "monotonic", self.look)
        monkeypatch.setattr(launching.uvicorn.Server, "run", lambda server: server.ended.wait())

    def look(self) -> float:
        self.now += 1.0
        if self.now > self.dies_after:
            self.ended.set()
        return self.now

    @property
    def started(self) -> bool:
        return self.now > 90


def test_a_busy_machine_gets_time_to_start(monkeypatch: pytest.MonkeyPatch) -> None:
    server = SlowServer(monkeypatch)
    launching._start_patiently(server)  # type: ignore[arg-type]
    assert server.started
    server.ended.set()


def test_a_server_that_ends_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    server = SlowServer(monkeypatch, dies_after=3)
    with pytest.raises(ServerFailedToStartError):
        launching._start_patiently(server)  # type: ignore[arg-type]
    assert server.now < 90
