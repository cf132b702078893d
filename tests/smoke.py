"""Whether an installation works: page, attack through its API, and command line.

``python -m tests.smoke``. It needs requirements.txt alone, so that .ci/run can try the lowest
versions that are allowed.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError

from gradio_client import Client

ROOT = Path(__file__).parents[1]
PATIENCE_SECONDS = 300.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(server: subprocess.Popen[bytes], url: str) -> None:
    """
    Raises:
        RuntimeError: the page ended, or does not answer.
    """
    deadline = time.monotonic() + PATIENCE_SECONDS
    while server.poll() is None and time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(url, timeout=30):  # noqa: S310  its own address
                return
        except (URLError, TimeoutError, ConnectionError):
            time.sleep(0.5)
    raise RuntimeError("The page does not start; what it said is above.")


@contextmanager
def page(folder: Path) -> Iterator[str]:
    """The page as ``python app.py`` starts it."""
    port = free_port()
    environment = {
        **os.environ,
        "GRADIO_SERVER_PORT": str(port),
        "GRADIO_TEMP_DIR": str(folder / "gradio"),
        "HF_HUB_OFFLINE": "1",
    }
    server = subprocess.Popen([sys.executable, "app.py"], cwd=ROOT, env=environment)
    try:
        url = f"http://127.0.0.1:{port}/"
        wait_for(server, url)
        yield url
    finally:
        server.terminate()
        server.wait(timeout=60)


def command(*arguments: str) -> None:
    subprocess.run([sys.executable, "-m", "mia_demo", *arguments], cwd=ROOT, check=True)


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with page(folder) as url:
            client = Client(url, verbose=False, download_files=False)
            *_, board = client.submit(7, api_name="/attack")
            client.close()
        if board["stage"] != "done" or len(board["lanes"]) != 3:
            raise RuntimeError(f"The attack did not end: {board['status']}")
        command("doctor", "--device", "cpu")
        command(
            "sweep", "--identities", "0-1", "--lanes", "zero", "--set", "steps=2",
            "--device", "cpu", "--output", str(folder / "sweep"),
        )  # fmt: skip
    print("\nThe page, an attack through its API, and the command line work.")  # noqa: T201


if __name__ == "__main__":
    main()
