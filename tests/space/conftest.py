"""A Space on ZeroGPU, in a process of its own: there a process either is one or is not."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from gradio_client import Client

from tests.conftest import ROOT
from tests.space.device_api import DeviceApi
from tests.tiny_zoo import make_tiny_zoo


@dataclass
class Space:
    """A running Space and the service that lends it GPUs."""

    url: str
    api: DeviceApi
    zoo: Path
    runs: Path

    def visitor(self, token: str) -> Client:
        """Somebody whom Hugging Face's proxy knows."""
        headers = {"x-ip-token": token}
        return Client(self.url, verbose=False, download_files=False, headers=headers)


@pytest.fixture(scope="session")
def space(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Space]:
    pytest.importorskip("spaces", reason="pip install -r requirements-dev.txt")
    home = tmp_path_factory.mktemp("space")
    api, zoo, runs = DeviceApi(), make_tiny_zoo(home / "zoo").root, home / "runs"
    (home / "cgroup").write_text("0::/space\n")
    environment = {
        **os.environ,
        "GRADIO_TEMP_DIR": str(home / "gradio"),
        "NO_PROXY": "127.0.0.1,localhost",
        "SPACES_ZERO_GPU": "true",
        "SPACES_ZERO_DEVICE_API_URL": api.url,
        "ZEROGPU_OFFLOAD_DIR": str(home / "packed"),
        "ZEROGPU_PROC_SELF_CGROUP_PATH": str(home / "cgroup"),
    }
    (home / "packed").mkdir()
    server = subprocess.Popen(
        [sys.executable, "-m", "tests.space.serve", str(zoo), str(runs)],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert server.stdout is not None
    # spaces writes to the standard output as well.
    said = next((line for line in server.stdout if line.startswith("serving ")), "")
    assert said, "the page did not start; its message is above"
    yield Space(said.split()[1], api, zoo, runs)
    os.killpg(server.pid, signal.SIGKILL)  # with its workers, which would outlive it
    server.wait(timeout=20)
    api.close()
