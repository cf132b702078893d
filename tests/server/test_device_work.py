"""What pages compute on the device could be computed in another process: ZeroGPU does so."""

from __future__ import annotations

import io
import pickle
import time
from collections.abc import Callable, Generator
from dataclasses import replace
from pathlib import Path
from typing import Any

import gradio as gr
import pytest
import torch

from mia_demo.attack.attack import Attacker
from mia_demo.attack.config import preset_config
from mia_demo.system.device import choose_compute
from mia_demo.ui.engine import zero_gpu
from mia_demo.ui.engine.engine import EMBEDDED, Engine
from mia_demo.ui.engine.line_up_dealing import Dealer
from mia_demo.ui.engine.line_up_rooms import LineUpRooms
from mia_demo.ui.engine.networks import Networks
from mia_demo.ui.models.handlers import ModelsHandlers
from mia_demo.ui.models.view import NOTHING
from mia_demo.ui.shared.estimates import Estimates
from mia_demo.ui.understand.handlers import UnderstandHandlers
from mia_demo.zoo.folder import EMBEDDED_ZOO, FolderZoo
from mia_demo.zoo.layers import LayeredZoo
from mia_demo.zoo.own_folder import OwnFolder
from tests.server.visits import visit
from tests.tiny_zoo import COMPUTE, make_tiny_zoo

VISITOR = gr.Request(session_hash="visitor")


class Pipe(pickle.Pickler):
    """Refuses tensors: they would be shared, or lie on a GPU that the other side has not."""

    def reducer_override(self, value: Any) -> Any:
        assert not isinstance(value, torch.Tensor)
        return NotImplemented


def through_a_pipe(value: Any) -> Any:
    stream = io.BytesIO()
    Pipe(stream).dump(value)
    return pickle.loads(stream.getvalue())  # noqa: S301


@pytest.fixture
def pipe(monkeypatch: pytest.MonkeyPatch) -> None:
    """Between every engine and what it computes."""

    def run(networks: Networks, work: Any, **_: Any) -> Generator[Any, None, None]:
        for frame in through_a_pipe(work)(networks):
            yield through_a_pipe(frame)

    monkeypatch.setattr(zero_gpu, "run", run)


@pytest.fixture
def engine(tmp_path: Path, pipe: None) -> Engine:
    return Engine(FolderZoo(EMBEDDED_ZOO), choose_compute("cpu"), tmp_path)


def test_the_understand_page(engine: Engine) -> None:
    handlers = UnderstandHandlers(engine)
    assert handlers.label(3, 0.1)["identity"] == 3
    *_, view = handlers.embedding("3,4", VISITOR)
    assert len(view["lanes"]) == 3


@pytest.mark.usefixtures("brief_quick")
def test_a_dealt_round(engine: Engine) -> None:
    rooms = LineUpRooms()
    key = rooms.create()
    Dealer(engine, rooms).deal(key, 1, ["zero"], seed=1)
    deadline = time.monotonic() + 60
    while not (rounds := dealt(rooms, key)):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert rounds[0].line_up.lane == "zero"


def dealt(rooms: LineUpRooms, key: str) -> list[Any]:
    with rooms.hosted(key) as game:
        assert not game.note, game.note
        return list(game.ballots)


def test_measurements_of_speed(engine: Engine) -> None:
    form = (EMBEDDED, -0.05, 1, 1, "early", "compact_resnet", 0.001, 0)
    *_, last = Estimates(engine).for_training(*form)
    assert "on this device." in last


# -- a worker and the server ------------------------------------------------------------------


@pytest.fixture
def processes(tmp_path: Path) -> Callable[[], Networks]:
    """Networks as two processes have them: each reads the same folders."""
    base = make_tiny_zoo(tmp_path / "zoo")

    def open_networks() -> Networks:
        zoo = LayeredZoo(FolderZoo(base.root), OwnFolder(tmp_path / "own"))
        networks = Networks(zoo, zoo.identities(), COMPUTE)
        networks.load()
        return networks

    return open_networks


def own_target(networks: Networks, like: str) -> str:
    return networks.zoo.own.add(networks.zoo.entry(like), networks.zoo.tensors(like))


def test_a_worker_sees_what_visitors_trained_and_deleted_meanwhile(
    processes: Callable[[], Networks],
) -> None:
    server, worker = processes(), processes()
    name = own_target(server, "zero")
    worker.update(through_a_pipe(server.zoo))
    before = worker.attacker().lane(name).classifier
    server.zoo.own.remove(name)
    assert own_target(server, "negative") == name  # the name is given again
    worker.update(through_a_pipe(server.zoo))
    after = worker.attacker().lane(name).classifier
    pairs = zip(before.parameters(), after.parameters(), strict=True)
    assert any(not torch.equal(*pair) for pair in pairs)


def test_a_worker_leaves_the_pools_it_computed_to_the_server(
    processes: Callable[[], Networks],
) -> None:
    server, worker = processes(), processes()
    name = own_target(server, "zero")
    worker.update(through_a_pipe(server.zoo))
    config = replace(preset_config("quick", lanes=(name,), steps=1), pool_size=50)
    known = worker.pools()
    *_, last = worker.attacker().run(config)
    (grown,) = (through_a_pipe(part) for part in worker.grown(known))
    assert list(grown.confidences) == [name]
    server.learn(grown)
    frames = list(server.attacker().run(config))
    assert not any(frame.stage == "sampling" and frame.total_steps == 100 for frame in frames)
    assert frames[-1].lanes[0].confidences == last.lanes[0].confidences
    # What a lane of that name knew before it was deleted is of no use.
    server.zoo.own.remove(name)
    server.forget(server.zoo, name)
    own_target(server, "negative")
    server.learn(grown)
    assert name not in server.pools()[config.truncation_psi].confidences
    assert isinstance(server.attacker(), Attacker)


def test_a_worker_knows_lanes_that_one_visitor_added(
    processes: Callable[[], Networks], tmp_path: Path
) -> None:
    server, worker = processes(), processes()
    added = FolderZoo.create(tmp_path / "added")
    added.adopt(server.zoo, server.zoo.entry("zero"), "hub-1")
    server.zoo.admit(added, "hub-1")
    zoo = through_a_pipe(server.zoo)
    worker.update(zoo)
    config = replace(preset_config("quick", lanes=("hub-1",), steps=1), pool_size=50)
    known = worker.pools()
    *_, last = worker.attacker(zoo).run(config)
    assert last.lanes[0].name == "hub-1"
    assert list(worker.grown(known)) == []  # what one visitor added fills nobody's memory
    server.zoo.dismiss("hub-1")
    worker.update(through_a_pipe(server.zoo))
    assert not worker.zoo.is_target("hub-1")


def test_accuracies_measured_again(tmp_path: Path, pipe: None) -> None:
    engine = Engine(make_tiny_zoo(tmp_path / "zoo"), choose_compute("cpu"), tmp_path / "runs")
    *_, last = ModelsHandlers(engine).measure(dict(NOTHING), {}, visit())
    assert last["status"] == "Measured 4 classifiers on their test photos: all as stated."
