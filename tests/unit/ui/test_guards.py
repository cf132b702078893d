"""What requests must pass, and what answers carry."""

from __future__ import annotations

import re
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from mia_demo.ui.serving import guards
from mia_demo.ui.serving.launching import SPACE_PROXIES
from mia_demo.ui.serving.launching import guards as all_guards

HOST = "http://demo.school"


def headers_seen(request: Request) -> PlainTextResponse:
    names = ("x-forwarded-host", "x-forwarded-proto", "x-gradio-server")
    return PlainTextResponse(" ".join(request.headers.get(name, "-") for name in names))


async def login(request: Request) -> PlainTextResponse:
    right = (await request.body()) == b"right"
    return PlainTextResponse("", 200 if right else 400)


def client(address: str = "203.0.113.9", port: int = 50_000) -> TestClient:
    routes = [
        Route("/", headers_seen, methods=["GET", "POST"]),
        Route("/login", login, methods=["POST"]),
    ]
    app = Starlette(routes=routes, middleware=all_guards())
    return TestClient(app, base_url=HOST, client=(address, port))


@pytest.fixture(autouse=True)
def own_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SPACE_ID", "SPACE_HOST", guards.TRUSTED_PROXIES):
        monkeypatch.delenv(name, raising=False)


FORGED = {"x-forwarded-host": "evil.example", "x-gradio-server": "http://evil.example"}


def test_nobody_but_a_named_proxy_says_what_the_address_is(monkeypatch: pytest.MonkeyPatch) -> None:
    assert client().get("/", headers=FORGED).text == "- - -"
    assert client("127.0.0.1").get("/", headers=FORGED).text == "- - -"
    monkeypatch.setenv(guards.TRUSTED_PROXIES, "10.0.0.0/8, 127.0.0.1")
    assert client().get("/", headers=FORGED).text == "- - -"
    assert client("10.1.2.3").get("/", headers=FORGED).text.startswith("evil.example")
    assert client("198.51.100.7", port=0).get("/", headers=FORGED).text.startswith("evil.example")


def test_a_space_is_always_behind_its_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPACE_ID", "ada/smooth")
    assert client().get("/", headers=FORGED).text.startswith("evil.example")


def test_on_a_space_visitors_have_addresses_of_their_own() -> None:
    def address(*forwarded: str) -> str:
        seen: list[str] = []

        async def app(scope: Any, receive: Any, send: Any) -> None:
            seen.append(scope["client"][0])

        headers = [(b"x-forwarded-for", ", ".join(forwarded).encode())]
        scope = {"type": "http", "client": ("10.16.3.80", 5), "headers": headers, "scheme": "http"}
        behind = ProxyHeadersMiddleware(app, trusted_hosts=SPACE_PROXIES)
        with pytest.raises(StopIteration):  # nothing in it waits, so it needs no loop
            behind(scope, None, None).send(None)
        return seen[0]

    assert address("203.0.113.7") == "203.0.113.7"
    assert address("127.0.0.1", "203.0.113.7") == "203.0.113.7"  # the first is a visitor's word


def test_nobody_logs_in_with_a_novel() -> None:
    assert client().post("/login", content=b"x" * 70_000).status_code == 413


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),  # a program
        ({"origin": HOST}, 200),
        ({"origin": "http://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"origin": "http://evil.example", "sec-fetch-site": "cross-site"}, 403),
        ({"origin": "http://localhost:1", "sec-fetch-site": "same-site"}, 403),
        # Behind a proxy the host differs, but the browser knows better.
        ({"origin": "https://public.example", "sec-fetch-site": "same-origin"}, 200),
    ],
)
def test_other_sites_change_nothing_here(headers: dict[str, str], status: int) -> None:
    assert client().post("/", headers=headers).status_code == status
    assert client().get("/", headers=headers).status_code == 200


def test_a_space_knows_its_own_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPACE_ID", "ada/smooth")
    monkeypatch.setenv("SPACE_HOST", "ada-smooth.hf.space")
    answer = client().post("/", headers={"origin": "https://ada-smooth.hf.space"})
    assert answer.status_code == 200


def test_wrong_logins_are_slowed_down(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr(guards.time, "monotonic", lambda: now)
    guesser = client()
    for _ in range(guards.MAX_WRONG_LOGINS):
        assert guesser.post("/login", content="wrong").status_code == 400
    refused = guesser.post("/login", content="right")
    assert refused.status_code == 429
    assert refused.headers["retry-after"] == f"{guards.LOGIN_WAIT_SECONDS:.0f}"
    now += guards.LOGIN_WAIT_SECONDS
    assert guesser.post("/login", content="wrong").status_code == 400  # one per wait from now on
    assert guesser.post("/login", content="right").status_code == 429
    now += guards.LOGIN_WAIT_SECONDS
    assert guesser.post("/login", content="right").status_code == 200
    assert guesser.post("/login", content="wrong").status_code == 400  # forgiven


def test_a_right_login_is_not_counted() -> None:
    visitor = client()
    for _ in range(3 * guards.MAX_WRONG_LOGINS):
        assert visitor.post("/login", content="right").status_code == 200


def test_answers_tell_the_browser_what_may_run_and_frame(monkeypatch: pytest.MonkeyPatch) -> None:
    headers = client().get("/").headers
    policy = headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "object-src 'none'" in policy
    assert "frame-ancestors 'self'" in policy
    assert "huggingface.co" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    monkeypatch.setenv("SPACE_ID", "ada/smooth")
    assert "https://huggingface.co" in client().get("/").headers["content-security-policy"]


def test_each_browser_gets_one_cookie_for_its_seat() -> None:
    browser = client()
    given = browser.get("/").headers["set-cookie"]
    assert re.fullmatch(r"mia_demo_seat=[\w-]{20,}; HttpOnly; Path=/; SameSite=lax", given)
    assert "set-cookie" not in browser.get("/").headers  # it has one
    assert "set-cookie" not in client().post("/", headers={"origin": HOST}).headers
    assert client().get("/").headers["set-cookie"] != given


def test_the_page_is_compressed_and_nothing_that_streams() -> None:
    def streams(request: Request) -> PlainTextResponse:
        return PlainTextResponse("step " * 1000)

    paths = ("/", "/gradio_api/queue/data")
    app = Starlette(routes=[Route(path, streams) for path in paths], middleware=all_guards())
    page, stream = (TestClient(app, base_url=HOST).get(path) for path in paths)
    assert page.text == stream.text
    assert page.headers["content-encoding"] == "br"
    assert int(page.headers["content-length"]) < 100
    assert "content-security-policy" in page.headers
    assert "content-encoding" not in stream.headers
    plain = TestClient(app, base_url=HOST).get("/", headers={"accept-encoding": "identity"})
    assert "content-encoding" not in plain.headers
