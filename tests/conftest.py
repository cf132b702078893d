"""Fixtures that several test folders share."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from mia_demo.zoo import Zoo
from tests.tiny_zoo import make_tiny_zoo

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="session")
def tiny_zoo(tmp_path_factory: pytest.TempPathFactory) -> Zoo:
    """Three targets, evaluator, prior and pool, untrained; the embedded identities."""
    return make_tiny_zoo(tmp_path_factory.mktemp("zoo") / "tiny")


@pytest.fixture(scope="session")
def app_url(tiny_zoo: Zoo, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A running page on the tiny zoo, warmed up."""
    environment = {
        **os.environ,
        "GRADIO_TEMP_DIR": str(tmp_path_factory.mktemp("gradio")),
        "GRADIO_IS_E2E_TEST": "1",  # a closed tab is noticed in a quarter of a second
        "NO_PROXY": "127.0.0.1,localhost",
    }
    server = subprocess.Popen(
        [sys.executable, "-m", "tests.serve", str(tiny_zoo.root)],
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
