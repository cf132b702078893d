"""An attack of a few steps, its frames kept for all tests of runs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from mia_demo.attack.attack import Attacker
from mia_demo.attack.config import AttackConfig, preset_config
from mia_demo.attack.frames import AttackFrame
from mia_demo.runs.attack_run import AttackRun
from mia_demo.runs.saver import AttackSaver
from mia_demo.runs.store import RunStore
from mia_demo.system.device import Compute
from mia_demo.zoo.reading import Zoo

TINY = {"candidates": 2, "kept": 2, "steps": 3, "selection_rounds": 1, "pool_size": 50}


@pytest.fixture(scope="session")
def config() -> AttackConfig:
    return preset_config("quick", identity=7, seed=3, lanes=("zero", "negative"), **TINY)


@pytest.fixture(scope="session")
def frames(attacker: Attacker, config: AttackConfig) -> list[AttackFrame]:
    return list(attacker.run(config))


@pytest.fixture
def store(tmp_path: Path, zoo: Zoo) -> RunStore:
    return RunStore(tmp_path / "runs", zoo)


@pytest.fixture
def saver(store: RunStore, zoo: Zoo, compute: Compute, config: AttackConfig) -> AttackSaver:
    return AttackSaver(store.keep, zoo, config, compute)


@pytest.fixture
def keep(zoo: Zoo, compute: Compute, config: AttackConfig) -> Callable[..., str]:
    """Saves the frames as a run and returns its key."""

    def save(store: RunStore, frames: list[AttackFrame]) -> str:
        saver = AttackSaver(store.keep, zoo, config, compute)
        for frame in frames:
            saver.see(frame)
        return saver.save()

    return save


@pytest.fixture
def run(store: RunStore, keep: Callable[..., str], frames: list[AttackFrame]) -> AttackRun:
    return store.attack(keep(store, frames))
