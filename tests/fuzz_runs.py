"""Files of kept runs, for ``tests.fuzz``: sound ones of each kind, and the pages that read them.

A sample is the path of a file in the folder of runs, a line end, and the file's bytes.
"""

from __future__ import annotations

import json
import logging
import random
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, NoReturn

import gradio as gr

from mia_demo.attack.config import preset_config
from mia_demo.errors import ConfigError, DemoError
from mia_demo.sweep import table
from mia_demo.system.device import choose_compute
from mia_demo.training.classifier import TrainConfig
from mia_demo.ui.compare.handlers import CompareHandlers
from mia_demo.ui.engine.engine import Engine
from mia_demo.ui.engine.networks import Networks
from mia_demo.ui.engine.sweeping import attack_work, plan_sweep, sweep_work
from mia_demo.ui.engine.training import (
    plan_training,
    run_training,
    training_work,
    unfinished_trainings,
)
from mia_demo.ui.runs.handlers import RunsHandlers
from mia_demo.ui.runs.unfinished_runs import UnfinishedTraining
from mia_demo.zoo.folder import FolderZoo
from tests.mutations import mutated_bytes, mutated_json
from tests.server.visits import visit
from tests.tiny_zoo import SIZE, make_tiny_zoo

ATTACK = preset_config(
    "quick", identity=1, lanes=("zero", "negative"),
    candidates=2, kept=2, steps=3, selection_rounds=1, pool_size=50,
)  # fmt: skip
SWEEPS = (("0-1", "0"), ("0-2", "1"))  # people and seeds; the second is not finished
TRAINING = TrainConfig(
    epochs=2, input_size=SIZE, arguments={"width": 4}, batch_size=2, phases=(0.0, 0.0)
)


@lru_cache(maxsize=1)
def home() -> Path:
    """A zoo, and a folder with runs of all kinds."""
    logging.disable(logging.WARNING)  # a line for each damaged file is what is wanted
    table.knowledge_extraction = _no_extraction  # which trains networks, for seconds
    folder = Path(tempfile.mkdtemp(prefix="fuzz-runs-"))
    make_tiny_zoo(folder / "zoo")
    engine = open_engine(folder)
    job = engine.attack(ATTACK, session="s")
    list(job.updates())
    job.wait()
    finished, unfinished = (plan_sweep(engine, ATTACK, *wanted) for wanted in SWEEPS)
    list(sweep_work(finished, engine.networks))
    updates = attack_work(unfinished, engine.networks)
    while next(updates).done < unfinished.total - 1:
        pass
    list(training_work(plan_training(engine.zoo, engine.runs, TRAINING, 2), engine.zoo, engine))
    half = plan_training(engine.zoo, engine.runs, TrainConfig(**{**vars(TRAINING), "seed": 7}), 2)
    with suppress(StopIteration):
        training = run_training(half, engine.zoo, engine.networks)
        while not half.epochs_done():
            next(training)
    engine.kept.names.set("own/x", "a name")
    shutil.copytree(engine.runs, folder / "sound")
    return folder


def _no_extraction(*_: object) -> NoReturn:
    raise ConfigError("left out")


def open_engine(folder: Path) -> Engine:
    return Engine(FolderZoo(folder / "zoo"), choose_compute("cpu", "fp32"), folder / "runs")


def run_files(folder: Path) -> list[Path]:
    """The files of all runs, with their places."""
    sound = home() / "sound"
    samples = []
    for path in sorted(sound.rglob("*")):
        if path.is_file() and path.suffix in (".json", ".png", ".webp", ".safetensors"):
            samples.append(folder / f"sample-{len(samples)}")
            place = str(path.relative_to(sound)).encode()
            samples[-1].write_bytes(place + b"\n" + path.read_bytes())
    return samples


def mutated_file(rng: random.Random, data: bytes) -> bytes:
    place, _, content = data.partition(b"\n")
    mutate = mutated_json if place.endswith(b".json") else mutated_bytes
    return place + b"\n" + mutate(rng, content)


def take_run_file(file: Path, folder: Path) -> None:
    """Puts it in its place and does with the runs whatever a visitor can.

    Raises:
        DemoError: something was refused.
    """
    name, _, content = file.read_bytes().partition(b"\n")
    place = Path(name.decode())
    refusal: Exception | None = None
    (home() / "runs" / place).write_bytes(content)
    try:
        for act in _acts(open_engine(home()), place.parts[0]):
            try:
                shown = json.dumps(act(), default=str, ensure_ascii=False, allow_nan=False)
                shown.encode()  # it can be sent to a page
            except DemoError as error:
                refusal = error
            except gr.Error as error:
                if not isinstance(error.__cause__, DemoError):
                    raise
                refusal = error.__cause__
    finally:
        _restore()
    if refusal:
        raise refusal


def _acts(engine: Engine, changed: str) -> Iterator[Callable[[], Any]]:
    """What a visitor does with the list, and with the run in the changed folder."""
    handlers, compare, me = RunsHandlers(engine), CompareHandlers(engine), visit()
    items = handlers.listing(me)["items"]
    own = [item for item in items if item["kind"] != UnfinishedTraining.kind]
    for key in [item["key"] for item in own if changed in item["key"]]:
        yield partial(handlers.open, {"chosen": key}, me)
        yield partial(handlers.compare, {"compared": [key, key]}, me)
        yield partial(lambda key: handlers._find(key, me).repeater(), key)
        for kind in handlers._find(key, me).files:
            yield partial(handlers.download, {"key": key, "wanted": kind}, me)
    yield compare.open
    for key in [key for key in map(str, compare.keys()) if changed in key]:
        for kind in ("csv", "json", "html"):
            yield partial(compare.download, key, kind)
    yield partial(handlers.rename, {"chosen": items[0]["key"], "name": "x"}, me)
    # What was begun goes on.
    for people, seeds in SWEEPS:
        plan = plan_sweep(engine, ATTACK, people, seeds)
        if plan.folder.name == changed:
            yield lambda plan=plan: list(sweep_work(plan, networks()))  # type: ignore[misc]
    for plan in unfinished_trainings(engine.zoo, engine.runs):
        if plan.folder.name == changed:
            yield lambda plan=plan: list(  # type: ignore[misc]
                run_training(plan, engine.zoo, networks())
            )


@lru_cache(maxsize=1)
def networks() -> Networks:
    return open_engine(home()).networks


def _restore() -> None:
    runs, sound = home() / "runs", home() / "sound"
    shutil.rmtree(runs)
    shutil.copytree(sound, runs)
