"""Output to consoles, files and pipes that are not UTF-8."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from functools import lru_cache
from pathlib import Path

import pytest

from mia_demo.cli import main
from mia_demo.commands.answers import ANSWERS
from mia_demo.commands.options import Request
from mia_demo.commands.output import log_line, progress
from mia_demo.commands.requests import REQUESTS
from mia_demo.errors import ConfigError
from mia_demo.system.streams import prepare_output

ROOT = Path(__file__).parents[3]
ENCODINGS = ["ascii", "cp1252", "cp437", "gbk"]

# The least that each command is called with; what answers is a stand-in here.
ARGUMENTS = {
    "attack": ["--identity", "1"],
    "sweep": ["--output", "x"],
    "shield": [],
    "record": ["--name", "x", "--sweep", "x"],
    "train": ["--alpha", "0", "--output", "x"],
    "use-data": ["--data", "x", "--layout", "folders", "--output", "x"],
    "train-prior": ["--data", "x", "--output", "x"],
    "check-prior": ["--data", "x", "--output", "x"],
    "make-zoo": ["--data", "x", "--output", "x"],
    "convert": ["x", "--output", "x"],
    "toy": ["--alpha", "0"],
    "bench": [],
    "doctor": [],
    "publish": ["--repo", "ada/zoo"],
}


class Terminal(io.TextIOWrapper):
    """Shows progress bars."""

    def isatty(self) -> bool:
        return True


class Console:
    """Standard output and error, of one encoding."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, encoding: str) -> None:
        self.encoding = encoding
        self.streams = {name: Terminal(io.BytesIO(), encoding) for name in ("out", "err")}
        for name, stream in self.streams.items():
            monkeypatch.setattr(sys, f"std{name}", stream)

    def read(self, name: str) -> str:
        self.streams[name].flush()
        return self.streams[name].buffer.getvalue().decode(self.encoding)  # type: ignore[attr-defined]


@lru_cache(maxsize=1)
def characters() -> str:
    """All characters that the program's texts hold, and some of people's names and paths."""
    sources = [ROOT / "app.py", *(ROOT / "mia_demo").rglob("*.py")]
    found = set("".join(path.read_text("utf-8") for path in sources))
    return "".join(sorted(found - set(map(chr, range(33))))) + "Łukasz Ørsted 王小明 🙂 \udcff"


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("request_class", REQUESTS)
def test_every_command_prints_its_result_in_every_encoding(
    monkeypatch: pytest.MonkeyPatch, request_class: type[Request], encoding: str
) -> None:
    name = request_class.command
    result = {"ok": True, "name": characters(), "checks": [
        {"ok": False, "name": "device", "found": characters(), "remedy": characters()}
    ]}  # fmt: skip

    def answer(request: Request) -> dict:
        log_line(characters())
        with progress(characters()) as bar:
            bar.set_postfix_str(characters())
        return result

    monkeypatch.setitem(ANSWERS, request_class, answer)
    console = Console(monkeypatch, encoding)
    assert main([name, *ARGUMENTS[name]]) == 0
    assert "name: " in console.read("out")
    assert console.read("err")
    console = Console(monkeypatch, encoding)
    assert main([name, *ARGUMENTS[name], "--json"]) == 0
    assert json.loads(console.read("out")) == result


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_an_error_is_one_line_in_every_encoding(
    monkeypatch: pytest.MonkeyPatch, encoding: str
) -> None:
    def fail(request: Request) -> dict:
        raise ConfigError(f"α of {characters()} is wrong.")

    monkeypatch.setitem(ANSWERS, REQUESTS[0], fail)
    console = Console(monkeypatch, encoding)
    assert main([REQUESTS[0].command, *ARGUMENTS[REQUESTS[0].command]]) == 2
    assert console.read("out") == ""
    (line,) = console.read("err").splitlines()
    assert line.startswith("error: ")
    assert main(["Łukasz"]) == 2
    assert len(console.read("err").splitlines()) == 2


def test_what_an_encoding_lacks_is_spelled_and_the_rest_is_as_it_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    console = Console(monkeypatch, "cp1252")
    prepare_output()
    sys.stdout.write("α −0.05 · “é” 王")
    assert console.read("out") == "alpha -0.05 · “é” \\u738b"


def test_a_process_of_another_encoding_ends_well(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "mia_demo", "doctor", "--device", "cpu"],
        cwd=ROOT,
        env={**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0", "LC_ALL": "C"},
        stdout=(tmp_path / "file").open("wb"),
        stderr=subprocess.PIPE,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert "ok   device: CPU, " in (tmp_path / "file").read_text("ascii")
