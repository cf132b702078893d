"""Requests to the page's API, for ``tests.fuzz``: sound samples, and the page that takes them."""

from __future__ import annotations

import contextlib
import io
import json
import logging
import tempfile
from functools import lru_cache
from pathlib import Path
from urllib.parse import quote

from gradio.routes import App
from starlette.testclient import TestClient

from mia_demo.system.device import choose_compute
from mia_demo.ui.app_page import build_app
from mia_demo.ui.engine.engine import Engine
from mia_demo.ui.serving.launching import guards
from tests.tiny_zoo import make_tiny_zoo

API = "/gradio_api/"
MAX_PATH_LETTERS = 100


@lru_cache(maxsize=1)
def page() -> TestClient:
    """The whole app on a tiny zoo, visited from elsewhere."""
    logging.disable(logging.WARNING)  # a line for each refusal is what is wanted
    folder = Path(tempfile.mkdtemp(prefix="fuzz-api-"))
    engine = Engine(make_tiny_zoo(folder / "zoo"), choose_compute("cpu"), folder / "runs")
    blocks = build_app(engine)
    blocks.queue()
    blocks.max_file_size = 10**6
    app = App.create_app(blocks, app_kwargs={"middleware": guards()})
    client = TestClient(app, base_url="http://demo.school", client=("203.0.113.9", 5))
    client.__enter__()  # one event loop for all requests
    return client


def sound_requests(folder: Path) -> list[Path]:
    """A request for each function of the server that answers at once."""
    blocks = page().app.get_blocks()  # type: ignore[attr-defined]
    bodies = [("run/results", {"data": [""]}), ("run/delete_classifier", {"data": ["own-1"]})]
    for number, function in blocks.fns.items():
        values = [getattr(block, "value", None) for block in function.inputs]
        if function.fn is not None and not function.types_generator:
            body = {"data": values, "fn_index": number, "session_hash": "s", "event_data": None}
            bodies.append((f"run/{function.api_name}", body))
    for component in blocks.blocks.values():
        for name in getattr(component, "server_fns", []):
            called = {
                "data": [{"key": "x"}],
                "component_id": component._id,
                "fn_name": getattr(name, "__name__", str(name)),
                "session_hash": "s",
            }
            bodies.append(("component_server", called))
    paths = []
    for number, (path, body) in enumerate(bodies):
        paths.append(folder / f"request-{number}.json")
        paths[-1].write_text(json.dumps({"path": path, "body": body}, default=str), "utf-8")
    return paths


def take_request(file: Path, folder: Path) -> None:
    """Sends it, as bytes where the mutation has left no JSON.

    Raises:
        AssertionError: a status of 500 and more, or a traceback.
    """
    content = file.read_bytes()
    path: object = "queue/join"
    try:
        request = json.loads(content)
        path, content = request["path"], json.dumps(request["body"]).encode()
    except (ValueError, KeyError, TypeError, RecursionError):
        pass
    where = quote(str(path)[:MAX_PATH_LETTERS], errors="replace")
    told = io.StringIO()
    with contextlib.redirect_stderr(told):
        answer = page().post(
            API + where, content=content, headers={"content-type": "application/json"}
        )
    assert answer.status_code < 500, f"{answer.status_code} of {where}"
    assert "Traceback" not in told.getvalue(), told.getvalue()[-2000:]
