"""A class in a room: thirty phones open the page, join, and vote at once.

With ``-s`` it says how long they waited.
"""

from __future__ import annotations

import json
import re
import secrets
import statistics
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx

PHONES = 30
PATIENCE_SECONDS = 5.0  # for a vote to be taken, on a busy machine
CONFIG = "window.gradio_config = "  # in the page
LANES = ["positive", "zero", "negative"]


class Tab:
    """A browser tab on the Line-up page: what it requests, without its pixels."""

    def __init__(self, url: str, room: str = "") -> None:
        self.web = httpx.Client(base_url=url, timeout=60, trust_env=False)
        self.session = secrets.token_hex(6)
        page = self.web.get("/", params={"room": room}).text
        for asset in set(re.findall(r'(?:src|href)="\./(assets/[^"]+)"', page)):
            self.web.get(f"/{asset}").raise_for_status()
        self.config, _ = json.JSONDecoder().raw_decode(page.partition(CONFIG)[2])
        self.board = next(
            part["id"]
            for part in self.config["components"]
            if "ask" in (part["props"].get("server_fns") or [])
        )

    def ask(self, what: str, **message: Any) -> dict[str, Any]:
        question = {
            "data": [what, message],
            "component_id": self.board,
            "session_hash": self.session,
            "fn_name": "ask",
        }
        answer = self.web.post("/gradio_api/component_server", json=question).json()
        assert "error" not in answer, answer
        return dict(answer)

    def deal(self, rounds: int) -> str:
        """Presses the button and returns the game's key."""
        button = next(
            event
            for event in self.config["dependencies"]
            if self.board in event["inputs"] and len(event["inputs"]) == 5
        )
        press = {"data": [{}, rounds, "1", LANES, None], "fn_index": button["id"]}
        self.web.post("/gradio_api/queue/join", json={**press, "session_hash": self.session})
        session = {"session_hash": self.session}
        with self.web.stream("GET", "/gradio_api/queue/data", params=session) as events:
            for line in events.iter_lines():
                message = json.loads(line.removeprefix("data:") or "{}")
                if message.get("msg") == "process_completed":
                    return str(message["output"]["data"][0]["key"])
        raise AssertionError("nothing was dealt")


class Clock:
    def __init__(self) -> None:
        self.seconds: dict[str, list[float]] = {"open": [], "join": [], "vote": []}

    @contextmanager
    def time(self, what: str) -> Iterator[None]:
        started = time.perf_counter()
        yield
        self.seconds[what].append(time.perf_counter() - started)

    def __str__(self) -> str:
        return ", ".join(
            f"{what} {1000 * statistics.median(all_):.0f} ms (at most {1000 * max(all_):.0f})"
            for what, all_ in self.seconds.items()
        )


def wait_for(ask: Any, phase: str) -> dict[str, Any]:
    deadline = time.monotonic() + 90  # the round's attack
    while (view := ask())["phase"] != phase:
        assert time.monotonic() < deadline, view
        time.sleep(1)
    return dict(view)


def test_thirty_phones_vote_at_once(app_url: str) -> None:
    host = Tab(app_url)
    key = host.deal(1)
    code = host.ask("open", key=key)["code"]
    clock, ready, failed = Clock(), threading.Barrier(PHONES), []

    def phone(number: int) -> None:
        try:
            with clock.time("open"):
                tab = Tab(app_url, code)
            with clock.time("join"):
                me = {"code": code, "voter": tab.ask("join", code=code)["voter"]}
            view = wait_for(lambda: tab.ask("look", **me), "voting")
            ready.wait(90)
            with clock.time("vote"):
                tab.ask("vote", **me, name=view["name"], position=number % 8)
        except Exception as error:
            ready.abort()
            failed.append(error)

    phones = [threading.Thread(target=phone, args=(number,)) for number in range(PHONES)]
    for thread in phones:
        thread.start()
    for thread in phones:
        thread.join()
    assert failed == []
    host.ask("reveal", key=key)
    view = host.ask("look", key=key)
    assert (view["votes"], view["voters"]) == (PHONES, PHONES)
    assert max(clock.seconds["vote"]) < PATIENCE_SECONDS
    sys.stdout.write(f"{PHONES} phones: {clock}\n")
