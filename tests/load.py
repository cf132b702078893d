"""Many visitors at once: ``python -m tests.load``, a few minutes; not part of the suite.

Serves a tiny zoo on 127.0.0.1 in a process of its own, and visits it as several addresses. Prints
waiting times, threads, open files and memory; ends with 1 if a result differs from the one of a
visitor alone, if an honest visitor waits behind a flood, or if closed visits leave something.
"""

from __future__ import annotations

import itertools
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

ROOT = Path(__file__).parents[1]
VISITORS, CLOSED, FLOOD = 30, 50, 60
SEEDS = 6  # different attacks among the visitors
SMALL_ATTACK = {"candidates": 2, "kept": 1, "steps": 12, "selection_rounds": 2}
PATIENCE_SECONDS = 120.0  # for any one answer
SETTLE_SECONDS = 60.0  # until what was closed is gone
MAX_MORE_THREADS, MAX_MORE_FILES, MAX_MORE_MB = 8, 8, 100
HONEST_TURNS = 3  # that an honest visitor may have to wait beside a flood
POLL_SECONDS = 2.0
PLACE = re.compile(r"is number (\d+) in the queue")

Board = dict[str, Any]


@dataclass(frozen=True)
class Footprint:
    """What a process holds."""

    threads: int
    files: int
    megabytes: int

    @classmethod
    def of(cls, pid: int) -> Footprint:
        lines = Path(f"/proc/{pid}/status").read_text("utf-8").splitlines()
        values = dict(line.split(":", 1) for line in lines)
        files = len(list(Path(f"/proc/{pid}/fd").iterdir()))
        return cls(int(values["Threads"]), files, int(values["VmRSS"].split()[0]) // 1024)

    def has_come_back_to(self, before: Footprint) -> bool:
        return (
            self.threads <= before.threads + MAX_MORE_THREADS
            and self.files <= before.files + MAX_MORE_FILES
            and self.megabytes <= before.megabytes + MAX_MORE_MB
        )

    def __str__(self) -> str:
        return f"{self.threads} threads, {self.files} files, {self.megabytes} MB"


class Visitor:
    """A program at an address of its own."""

    def __init__(self, url: str, address: str) -> None:
        headers = {"x-forwarded-for": address}
        self.web = httpx.Client(base_url=url, headers=headers, timeout=PATIENCE_SECONDS)

    def boards(self, seed: int) -> Iterator[Board]:
        """Attacks; closing the iterator closes the connection."""
        values = {"data": [seed % 3, "quick", seed, None, ""]}
        joined = self.web.post("/gradio_api/call/attack", json=values).raise_for_status()
        event = joined.json()["event_id"]
        with self.web.stream("GET", f"/gradio_api/call/attack/{event}") as lines:
            kind = ""
            for line in lines.iter_lines():
                name, _, text = line.partition(": ")
                if name == "event":
                    kind = text
                elif name == "data" and kind == "generating":
                    yield json.loads(text)[0]
                elif name == "data" and kind == "error":
                    raise RuntimeError(f"the attack failed: {text}")

    def result(self, seed: int) -> tuple[Board, float]:
        """The last board, and the seconds until it came."""
        started = time.monotonic()
        *_, board = self.boards(seed)
        return board, time.monotonic() - started

    def close_when(self, seed: int, is_time: Callable[[Board], bool]) -> None:
        """Starts an attack and closes the connection at a board."""
        boards = self.boards(seed)
        for board in boards:
            if is_time(board):
                break
        boards.close()  # type: ignore[attr-defined]
        self.web.close()


def serve(folder: Path) -> None:
    from mia_demo.attack.config import PRESETS
    from mia_demo.system.device import choose_compute
    from mia_demo.ui.app_page import build_app
    from mia_demo.ui.engine.engine import Engine
    from mia_demo.ui.serving.launching import launch
    from tests.tiny_zoo import make_tiny_zoo

    PRESETS["quick"].update(SMALL_ATTACK)
    engine = Engine(make_tiny_zoo(folder / "zoo"), choose_compute("cpu"), folder / "runs")
    app = build_app(engine)
    engine.warm_up().wait()
    _, url, _ = launch(app, prevent_thread_lock=True, quiet=True)
    sys.stdout.write(f"{url}\n")
    sys.stdout.flush()
    app.block_thread()


def decisive(board: Board) -> Any:
    """What of a board depends on the attack alone."""
    parts = ("name", "picture", "others", "target_confidence", "evaluator_top1")
    return [[lane[part] for part in parts] for lane in board["lanes"]]


class Load:
    """The load on one server."""

    def __init__(self, url: str, pid: int) -> None:
        self.url, self.pid = url, pid
        self.problems: list[str] = []
        self.numbers = itertools.count(1)

    def visitor(self, address: str = "") -> Visitor:
        number = next(self.numbers)
        return Visitor(self.url, address or f"10.0.{number // 250}.{number % 250 + 1}")

    def run(self) -> None:
        alone = {seed: self.visitor().result(seed) for seed in range(SEEDS)}
        single = statistics.median(seconds for _, seconds in alone.values())
        self.say(f"alone: {single:.1f} s per attack, {Footprint.of(self.pid)}")
        self.at_once({seed: decisive(board) for seed, (board, _) in alone.items()})
        before = self.settled()
        self.say(f"before the closes: {before}")
        for number in range(CLOSED):
            self.visitor().close_when(number, lambda board: board["phase"] == "running")
        self.check(f"{CLOSED} closed while running", before)
        self.closed_waiting()
        self.check(f"{CLOSED} closed while waiting", before)
        self.flooded(single)
        self.check("after the flood", before)

    def at_once(self, expected: dict[int, Any]) -> None:
        def visit(number: int) -> float:
            board, seconds = self.visitor().result(number % SEEDS)
            if decisive(board) != expected[number % SEEDS]:
                self.problems.append(f"visitor {number} got another result than a visitor alone")
            return seconds

        with ThreadPoolExecutor(VISITORS) as visitors:
            seconds = list(visitors.map(visit, range(VISITORS)))
        middle, last = statistics.median(seconds), max(seconds)
        self.say(f"{VISITORS} at once: half done after {middle:.1f} s, all after {last:.1f} s")

    def closed_waiting(self) -> None:
        holding = self.visitor().boards(0)
        next(holding)

        def visit(number: int) -> None:
            self.visitor().close_when(number, lambda board: board["phase"] == "waiting")

        with ThreadPoolExecutor(CLOSED) as visitors:
            list(visitors.map(visit, range(CLOSED)))
        started = time.monotonic()
        holding.close()  # type: ignore[attr-defined]
        self.visitor().result(0)
        self.say(f"the next one has a result {time.monotonic() - started:.1f} s later")

    def flooded(self, single: float) -> None:
        stop = threading.Event()
        told, refused = threading.Semaphore(0), itertools.count()

        def flood(number: int) -> None:
            try:
                for board_number, _ in enumerate(self.visitor("198.51.100.66").boards(number)):
                    if board_number == 0:
                        told.release()
                    if stop.is_set():
                        return
            except (RuntimeError, httpx.HTTPError):  # too many of this address
                next(refused)
                told.release()

        with ThreadPoolExecutor(FLOOD) as visitors:
            flooding = [visitors.submit(flood, number) for number in range(FLOOD)]
            for _ in range(FLOOD):
                told.acquire(timeout=PATIENCE_SECONDS)
            started = time.monotonic()
            boards = list(self.visitor().boards(1))
            seconds = time.monotonic() - started
            stop.set()
            for one in flooding:
                one.result()
        places = [int(place) for board in boards for place in PLACE.findall(board["status"])]
        place = max(places, default=1)
        self.say(
            f"beside {FLOOD} of one address, {next(refused)} of them refused: number {place} in "
            f"the queue, a result after {seconds:.1f} s"
        )
        if place > HONEST_TURNS or seconds > HONEST_TURNS * single + 5:
            self.problems.append(f"an honest visitor waited {seconds:.1f} s behind a flood")

    def settled(self) -> Footprint:
        """What the server holds once it no longer lets go of anything."""
        time.sleep(5)
        return Footprint.of(self.pid)

    def check(self, what: str, before: Footprint) -> None:
        deadline = time.monotonic() + SETTLE_SECONDS
        web = self.visitor().web
        while not (after := Footprint.of(self.pid)).has_come_back_to(before):
            if time.monotonic() > deadline:
                self.problems.append(f"{what}: {after} are left of {before}")
                break
            web.get("/theme.css")  # idle threads end when another one is asked for
            time.sleep(POLL_SECONDS)
        web.close()
        self.say(f"{what}: {after}")

    def say(self, line: str) -> None:
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        environment = {
            **os.environ,
            "FORWARDED_ALLOW_IPS": "127.0.0.1",
            "GRADIO_SERVER_NAME": "127.0.0.1",
            "GRADIO_ANALYTICS_ENABLED": "False",
            "GRADIO_TEMP_DIR": f"{folder}/gradio",
            "OMP_NUM_THREADS": "1",
        }
        server = subprocess.Popen(
            [sys.executable, "-m", "tests.load", folder],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            assert server.stdout is not None
            load = Load(server.stdout.readline().strip(), server.pid)
            load.run()
        finally:
            server.terminate()
            server.wait(timeout=30)
    for problem in load.problems:
        sys.stdout.write(f"Problem: {problem}\n")
    return 1 if load.problems else 0


if __name__ == "__main__":
    if sys.argv[1:]:
        serve(Path(sys.argv[1]))
    else:
        sys.exit(main())
