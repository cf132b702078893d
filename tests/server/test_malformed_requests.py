"""Requests that no page of ours sends, against the whole app."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from gradio.routes import App
from starlette.testclient import TestClient

from mia_demo.system.device import choose_compute
from mia_demo.ui.app_page import DELETE_CACHE, build_app
from mia_demo.ui.engine.engine import Engine
from mia_demo.ui.serving import upload_quota
from mia_demo.ui.serving.launching import guards
from tests.tiny_zoo import make_tiny_zoo

API = "/gradio_api/"


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> App:
    folder = tmp_path_factory.mktemp("app")
    engine = Engine(make_tiny_zoo(folder / "zoo"), choose_compute("cpu"), folder / "runs")
    blocks = build_app(engine)
    blocks.queue()
    blocks.max_file_size = 10**6  # which its launch would set
    return App.create_app(blocks, app_kwargs={"middleware": guards()})


@pytest.fixture
def client(app: App, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "gradio"))
    app.uploaded_file_dir = str(tmp_path / "gradio")
    with TestClient(app, base_url="http://demo.school", client=("203.0.113.9", 5)) as client:
        yield client


def call(**changes: Any) -> dict[str, Any]:
    return {"data": [0], "session_hash": "s", "fn_index": 0, **changes}


BOARD = {"session_hash": "s", "component_id": 1, "fn_name": "ask", "data": []}
MALFORMED = [
    ("queue/join", call(fn_index=99_999)),
    ("queue/join", call(fn_index=-1)),
    ("queue/join", call(fn_index=2**70)),
    ("queue/join", call(fn_index="x")),
    ("queue/join", call(session_hash=None)),
    ("queue/join", call(session_hash="")),
    ("queue/join", [1]),
    ("queue/join", '{"data": NaN}'),
    ("queue/join", '{"data": ["\\ud800"], "fn_index": 1, "session_hash": "\\ud800"}'),
    ("queue/join", "[" * 100_000),
    ("queue/join", b"\xff\xfe"),
    ("call/attack", "{"),
    ("call/attack", None),
    ("call/nothing", call()),
    ("call/v2/nothing", {}),
    ("call/v2/attack", {"surprise": 1}),
    ("run/attack", {"data": ["x", {}, [], 5]}),
    ("run/attack", {"data": [0, "quick", 0, 5, ""]}),
    ("run/attack", {"data": [0, "quick", 2**70, None, ""]}),
    ("run/attack", {"data": []}),
    ("run/delete_classifier", {"data": [["own-1"]]}),
    ("run/delete_classifier", {"data": ["own-1"]}),  # there is none
    ("run/results", {"data": [{}]}),
    ("run/follow_link", {"data": [["x"]]}),
    ("run/for_attack", {"data": ["quick", ["zero"], 50, "x", 2, 3, 0.1, 0.1, "", 0.8, 8, 2, 2]}),
    ("run/x", call(fn_index=0, data=[1])),  # an event of the browser
    ("component_server", {}),
    ("component_server", {**BOARD, "component_id": 10**6}),
    ("component_server", {**BOARD, "component_id": []}),
    ("component_server", {**BOARD, "session_hash": []}),
    ("component_server", {**BOARD, "fn_name": "__init__"}),
    ("component_server", {**BOARD, "fn_name": 5}),
    ("cancel", {}),
]


@pytest.mark.parametrize(("path", "body"), MALFORMED, ids=lambda value: str(value)[:40])
def test_a_malformed_request_gets_4xx_and_one_line(
    client: TestClient,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
    path: str,
    body: Any,
) -> None:
    caplog.set_level(logging.WARNING)
    if isinstance(body, str | bytes):
        json_type = {"content-type": "application/json"}
        answer = client.post(API + path, content=body, headers=json_type)
    else:
        answer = client.post(API + path, json=body)
    assert 400 <= answer.status_code < 500
    lines = [record for record in caplog.records if record.name.startswith("mia_demo")]
    assert len(lines) <= 1
    assert not any(record.exc_info or "\n" in record.getMessage() for record in lines)
    assert "Traceback" not in capsys.readouterr().err


def test_a_healthy_request_passes(client: TestClient) -> None:
    answer = client.post(f"{API}call/attack", json={"data": [0, "quick", 0, None, ""]})
    assert answer.status_code == 200
    client.post(f"{API}cancel", json={"session_hash": "s", "fn_index": 0, **answer.json()})


def test_nobody_orders_a_sheet_of_faces_larger_than_the_pages(app: App, client: TestClient) -> None:
    (picker,) = (
        number for number, block in app.get_blocks().blocks.items() if hasattr(block, "sheet")
    )
    ask = {"session_hash": "s", "component_id": picker, "fn_name": "sheet"}
    sheets = [
        client.post(f"{API}component_server", json={**ask, "data": columns}).json()
        for columns in (10, 10**9)
    ]
    assert sheets[0].startswith("data:image")
    assert sheets[0] == sheets[1]


def test_a_program_may_leave_out_what_has_a_default(client: TestClient) -> None:
    answer = client.post(f"{API}run/results", json={"data": []})
    assert "no results yet" in answer.text


def test_a_malformed_form_is_refused(client: TestClient) -> None:
    form = {"content-type": "multipart/form-data"}
    for path in ("upload", "component_server", "queue/join"):
        assert 400 <= client.post(API + path, content=b"x", headers=form).status_code < 500


def test_a_body_beyond_all_measure_is_not_read_to_its_end(client: TestClient) -> None:
    body = b" " * (33 * 2**20)
    json_type = {"content-type": "application/json"}
    assert client.post(f"{API}queue/join", content=body, headers=json_type).status_code == 413


@pytest.mark.parametrize(
    ("query", "kept"),
    [
        ("page=x", "."),
        ("tab=compare&page=..%2Fx&deep_link=a&view=zz", "?tab=compare"),
        ("view=api&deep_link=%00", "?view=api"),
    ],
)
def test_what_gradio_stumbles_over_is_taken_out_of_the_address(
    client: TestClient, query: str, kept: str
) -> None:
    answer = client.get(f"/?{query}", follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (307, kept)
    # Where it is no page that is asked for, 4xx at most.
    assert client.get(f"/config?{query}").status_code in (200, 400)


# -- uploads -------------------------------------------------------------------------------------


def upload(client: TestClient, size: int, count: int = 1, name: str = "files") -> Any:
    upload.number += 1  # type: ignore[attr-defined]
    files = [
        (name, (f"{n}.bin", f"{upload.number} {n} ".encode().ljust(size))) for n in range(count)
    ]
    return client.post(f"{API}upload", files=files)


upload.number = 0  # type: ignore[attr-defined]


def kept(client: TestClient) -> list[Path]:
    folder = Path(client.app.uploaded_file_dir)  # type: ignore[attr-defined]
    return [path for path in folder.rglob("*") if path.is_file()]


@pytest.fixture
def limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upload_quota, "MAX_ADDRESS_BYTES", 100_000)
    monkeypatch.setattr(upload_quota, "MAX_ALL_BYTES", 200_000)


def test_an_address_may_upload_so_much(client: TestClient, limits: None) -> None:
    paths = upload(client, 40_000).json() + upload(client, 40_000).json()
    refused = upload(client, 40_000)
    assert refused.status_code == 429
    assert refused.text.startswith("At most")
    assert len(kept(client)) == 2
    Path(paths[0]).unlink()  # as whoever has read it does
    assert upload(client, 40_000).status_code == 200


def test_all_addresses_may_upload_so_much(client: TestClient, app: App, limits: None) -> None:
    statuses = []
    for n in range(3):
        other = TestClient(app, base_url="http://demo.school", client=(f"198.51.100.{n}", 5))
        statuses += [upload(other, 40_000).status_code for _ in range(2)]
    assert statuses == [200, 200, 200, 200, 429, 429]
    assert len(kept(client)) == 4


def test_an_upload_that_hides_its_size_is_cut_off(client: TestClient, limits: None) -> None:
    part = b'--b\r\nContent-Disposition: form-data; name="files"; filename="a"\r\n\r\n'

    def body() -> Iterator[bytes]:
        yield part
        for _ in range(20):
            yield b"x" * 10_000
        yield b"\r\n--b--\r\n"

    form = {"content-type": "multipart/form-data; boundary=b"}
    answer = client.post(f"{API}upload", content=body(), headers=form)
    assert answer.status_code == 413
    assert kept(client) == []


def test_two_hundred_files_at_once_are_refused_and_not_kept(client: TestClient) -> None:
    assert upload(client, 10, 20).status_code == 200
    assert upload(client, 10, 200).status_code == 413
    assert len(kept(client)) == 20


def test_files_that_nobody_reads_are_deleted_within_minutes(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upload_quota, "KEPT_SECONDS", -2.0)  # due at once
    assert upload(client, 10).status_code == 200
    assert upload(client, 10, name="another").status_code == 200
    client.get("/")  # one turn of the event loop
    assert kept(client) == []
    assert DELETE_CACHE[0] + DELETE_CACHE[1] <= 720
