"""A stand-in of the service that lends ZeroGPU's devices, on loopback."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

POOR = "e30.e30.poor"  # token of a visitor whose quota is used up


@dataclass
class Loan:
    """A GPU lent once."""

    token: str | None
    seconds: int
    allow: str
    worker: int | None = None  # process that was let in; None where one was used again
    is_over: threading.Event = field(default_factory=threading.Event)
    has_failed: bool = False


class DeviceApi:
    """One GPU; its worker process is used again as long as it lives.

    Attributes:
        loans: in the order they were granted.
        most_at_once: loans that ran side by side.
    """

    def __init__(self) -> None:
        self.loans: list[Loan] = []
        self.started = threading.Event()
        self.most_at_once = 0
        api = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                url = urlsplit(self.path)
                status, answer = api.answer(url.path, dict(_pairs(url.query)))
                body = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *arguments: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def answer(self, path: str, asked: dict[str, str]) -> tuple[int, dict[str, Any]]:
        if path == "/startup-report":
            self.started.set()
        elif path == "/schedule":
            return self._schedule(asked)
        else:
            loan = next(loan for loan in self.loans if loan.allow == asked["allowToken"])
            if path == "/allow":
                loan.worker = int(asked["pid"])
            else:
                loan.has_failed = asked["fail"] == "true"
                loan.is_over.set()
        return 200, {}

    def _schedule(self, asked: dict[str, str]) -> tuple[int, dict[str, Any]]:
        token, seconds = asked.get("token"), int(asked["durationSeconds"])
        if token == POOR:
            return 429, {"left": 3, "wait": 3600}
        loan = Loan(token, seconds, f"loan-{len(self.loans)}")
        self.loans.append(loan)
        running = sum(not loan.is_over.is_set() for loan in self.loans)
        self.most_at_once = max(self.most_at_once, running)
        idle = len(self.loans) > 1 and not self.loans[-2].has_failed
        gpu = {"nvidiaIndex": 0, "nvidiaUUID": "GPU-0", "idle": idle}
        return 200, {**gpu, "allowToken": loan.allow}


def _pairs(query: str) -> list[tuple[str, str]]:
    return [(name, values[0]) for name, values in parse_qs(query).items()]
