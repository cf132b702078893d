"""Sweeps by several processes, and sweeps that were killed: the same table to the byte.

On a tiny zoo, and what one process finds is found in this one: a start costs more than the rest.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch
from torch import distributed as dist

from mia_demo.cli import main
from mia_demo.errors import ConfigError, PeerError
from mia_demo.sweep.team import Team
from tests.counted_board import counted_board
from tests.tiny_zoo import make_tiny_zoo

ROOT = Path(__file__).parents[3]
PYTHON = [sys.executable, "-m", "mia_demo"]
TORCHRUN = [
    sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2",
]  # fmt: skip
# Equal to the bit only with equally many threads; torchrun sets one a process.
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1"}


Sweep = Callable[..., list[str]]


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_zoo(tmp_path_factory.mktemp("zoo")).root


@pytest.fixture(scope="module")
def sweep(tiny: Path) -> Sweep:
    def arguments(folder: Path, lanes: str = "zero,negative") -> list[str]:
        """Four attacks."""
        small = ["steps=2", "candidates=2", "kept=2", "loss=cross_entropy", "learning_rate=0.005"]
        settings = [word for setting in small for word in ("--set", setting)]
        return [
            "sweep", "--zoo", str(tiny), "--identities", "0-1", "--seeds", "0-1",
            "--lanes", lanes, "--device", "cpu", "--json", "--output", str(folder), *settings,
        ]  # fmt: skip

    return arguments


def start(command: list[str], **variables: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        command,
        cwd=ROOT,
        env={**ENVIRONMENT, **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(process: subprocess.Popen[str], code: int = 0) -> tuple[str, str]:
    output, errors = process.communicate(timeout=300)
    assert process.returncode == code, errors
    return output, errors


def contents(folder: Path) -> dict[str, object]:
    """Everything but the day and the time it took."""
    results = json.loads((folder / "results.json").read_text("utf-8"))
    for measured in ("date", "seconds"):
        del results["record"][measured]
    files = {name: (folder / name).read_bytes() for name in ("best.webp", "table.csv", "table.md")}
    sheets = {path.name: path.read_bytes() for path in (folder / "attacks").glob("*.png")}
    return {"results": json.dumps(results), **files, **sheets}


@pytest.fixture(scope="module")
def one_process(sweep: Sweep, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sweep") / "one"
    assert main(sweep(folder)) == 0
    return folder


def test_hosts_need_no_common_disk(sweep: Sweep, one_process: Path, tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    shared = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "WORLD_SIZE": "2"}
    hosts = [
        start([*PYTHON, *sweep(tmp_path / str(rank))], **shared, RANK=str(rank), LOCAL_RANK="0")
        for rank in range(2)
    ]
    (leader, _), (helper, _) = [finish(host) for host in hosts]
    report = json.loads(leader)  # a single object
    assert (report["identities"], report["preset"]) == ([0, 1], "custom")
    kept = json.loads((tmp_path / "0" / "results.json").read_text("utf-8"))
    assert report["rows"] == kept["rows"]
    assert helper == ""
    assert contents(tmp_path / "0") == contents(one_process)
    # The helper has its own attacks and the leader's, as it measures a lane of all of them.
    sheets = {name: data for name, data in contents(one_process).items() if name.endswith(".png")}
    attacks = tmp_path / "1" / "attacks"
    assert {path.name: path.read_bytes() for path in attacks.glob("*.png")} == sheets
    assert len(list(attacks.glob("*.json"))) == 4
    assert not (tmp_path / "1" / "results.json").exists()


def test_a_board_of_two_processes_equals_that_of_one(tiny: Path, tmp_path: Path) -> None:
    """Students and rows are made once each, and by both; one of them has nobody to attack."""
    found = []
    for name in ("one", "two"):
        folder, log = tmp_path / name, tmp_path / f"{name}.log"
        arguments = [
            "shield", "--zoo", str(tiny), "--attacks", "random,student", "--passes", "40",
            "--defences", "label_smoothing", "--identities", "0-1", "--blind-identities", "0",
            "--device", "cpu", "--json", "--output", str(folder),
        ]  # fmt: skip
        if name == "one":
            with contextlib.redirect_stdout(io.StringIO()) as output:
                assert counted_board(log, arguments) == 0
            printed = output.getvalue()
        else:
            program = ["-m", "tests.counted_board", str(log)]
            printed, _ = finish(start([*TORCHRUN, *program, *arguments]))
        files = {
            path.relative_to(folder).as_posix(): path.read_bytes()
            for path in folder.rglob("*")
            if path.suffix in (".png", ".webp")
        }
        found.append((json.loads(printed), files, sorted(log.read_text().split())))
    one, two = found
    assert one == two
    assert one[2].count("row") == 3
    assert one[2].count("step") == 3 * 10  # a step of 64 pictures an epoch


def test_a_mistake_ends_all_processes_with_one_line(sweep: Sweep, tmp_path: Path) -> None:
    started = time.monotonic()
    mistaken = [*TORCHRUN, "-m", "mia_demo", *sweep(tmp_path, lanes="purple")]
    _, errors = finish(start(mistaken), code=1)
    assert errors.count("error: ") == 1
    assert "error: No lane 'purple'" in errors
    assert time.monotonic() - started < 120


# Ends as by ``kill -9`` once two attacks are saved.
KILLED = """
import os, signal, sys
from pathlib import Path

from mia_demo.cli import main

attacks = Path(sys.argv.pop(1))


def watch(event, arguments):
    if event == "open" and len(list(attacks.glob("*.json"))) == 2:
        os.kill(os.getpid(), signal.SIGKILL)


sys.addaudithook(watch)
main()
"""


def test_a_killed_sweep_goes_on_to_the_same_table(
    sweep: Sweep, one_process: Path, tmp_path: Path
) -> None:
    attacks = tmp_path / "attacks"
    finish(start([sys.executable, "-c", KILLED, str(attacks), *sweep(tmp_path)]), -signal.SIGKILL)
    finished = {path: path.stat().st_mtime_ns for path in attacks.glob("*.json")}
    assert len(finished) == 2
    assert not (tmp_path / "results.json").exists()
    assert main(sweep(tmp_path)) == 0
    assert contents(tmp_path) == contents(one_process)
    assert all(path.stat().st_mtime_ns == moment for path, moment in finished.items())


def two_members(folder: Path, silence: float = 60) -> tuple[Team, Team]:
    store = dist.FileStore(str(folder / "store"), 2)
    return Team(store, 0, 2, silence=silence), Team(store, 1, 2, silence=silence)


def test_attacks_are_counted_over_the_team(tmp_path: Path) -> None:
    leader, helper = two_members(tmp_path)
    assert [leader.count_attack(), helper.count_attack()] == [1, 2]
    progress = leader.until("attacks", 3)
    assert next(progress) == 2
    helper.count_attack()
    assert list(progress) == [3]


def test_every_part_of_the_work_is_agreed_and_counted_for_itself(tmp_path: Path) -> None:
    leader, helper = two_members(tmp_path)
    for name in ("taa", "mirror"):
        one, two = leader.for_part(name), helper.for_part(name)
        one.agree(name)
        two.agree(name)
        assert [one.count_attack(), two.count_attack()] == [1, 2]
        assert list(one.until("attacks", 2)) == [2]
        with pytest.raises(ConfigError, match="differ in arguments"):
            two.agree("another plan")
    leader.fails_first()
    with pytest.raises(PeerError, match="Another process of this sweep failed"):
        helper.for_part("brep_mi").count_attack()  # whatever part it was in


def test_everybody_hears_what_each_answers(tmp_path: Path) -> None:
    names, answered = ["zero", "positive", "negative"], []

    def answer(team: Team) -> dict[str, str]:
        def say(name: str) -> str:
            answered.append((team.rank, name))
            return f"{name}!"

        return team.answers(names, say)

    with ThreadPoolExecutor(2) as both:
        heard = list(both.map(answer, two_members(tmp_path)))
    assert sorted(answered) == [(0, "negative"), (0, "zero"), (1, "positive")]
    assert heard == [{name: f"{name}!" for name in names}] * 2


def test_nobody_waits_for_the_answer_of_one_that_failed(tmp_path: Path) -> None:
    leader, helper = two_members(tmp_path)
    leader.fails_first()
    with pytest.raises(PeerError, match="Another process of this sweep failed"):
        helper.answers(["zero", "negative"], str)


def test_the_leader_leaves_last(tmp_path: Path) -> None:
    leader, helper = two_members(tmp_path, silence=0.3)
    with pytest.raises(PeerError, match="Process 1 of 2 no longer answers"):
        leader.part_ways()
    helper.part_ways()
    leader.part_ways()


def test_the_others_stop_when_one_fails(tmp_path: Path) -> None:
    leader, helper = two_members(tmp_path)
    assert helper.fails_first()
    with pytest.raises(PeerError, match="Another process of this sweep failed"):
        leader.count_attack()
    assert not leader.fails_first()  # so it need not say anything


def test_a_dead_process_is_noticed(tmp_path: Path) -> None:
    leader, _ = two_members(tmp_path, silence=0.3)
    with pytest.raises(PeerError, match="Process 1 of 2 no longer answers"):
        list(leader.until("attacks", 4))


def test_everybody_must_run_the_same_sweep(tmp_path: Path) -> None:
    leader, helper = two_members(tmp_path)
    leader.agree("seed 0")
    helper.agree("seed 0")
    with pytest.raises(ConfigError, match="differ in arguments"):
        helper.agree("seed 1")


def test_only_one_process_may_train(tmp_path: Path) -> None:
    leader, _ = two_members(tmp_path)
    with pytest.raises(ConfigError, match="run the command without torchrun"):
        leader.require_alone("--alphas trains targets")
    Team(dist.FileStore(str(tmp_path / "alone"), 1)).require_alone("--alphas trains targets")
