"""Room for a new classifier or sweep, where the demo is shared."""

import shutil
from pathlib import Path

from mia_demo.errors import ConfigError
from mia_demo.runs.training_run import TrainingRun
from mia_demo.sweep.library import ResultsLibrary
from mia_demo.ui.engine.engine import Engine
from mia_demo.ui.engine.who_asks import TABS, asking_tab
from mia_demo.zoo.own_folder import MAX_OWN

MAX_OWN_PER_TAB = 4  # all visitors together may keep ``MAX_OWN``
MAX_CLOSED_SWEEPS = 20  # of closed tabs; nobody can open them any more


def make_room(engine: Engine) -> None:
    """Removes the oldest classifier of a closed tab from a full list.

    Nobody else can: a classifier belongs to its tab. The owner's are never removed.

    Raises:
        ConfigError: this tab has its share already.
    """
    own, asking = engine.zoo.own, asking_tab()
    if asking is None:
        return
    theirs = [e for e in own.targets() if engine.owned_runs.is_of(TrainingRun(e).key, asking)]
    if len(theirs) >= MAX_OWN_PER_TAB:
        raise ConfigError(
            f"{MAX_OWN_PER_TAB} classifiers of this browser tab are kept already; delete one first."
        )
    if len(own.targets()) < MAX_OWN:
        return
    for entry in own.targets():
        tab = engine.owned_runs.tab(TrainingRun(entry).key)
        if tab and not TABS.is_read(tab):
            own.remove(entry.name)
            engine.networks.forget(engine.zoo, entry.name)
            return


def make_room_for_sweep(engine: Engine, library: ResultsLibrary, wanted: Path) -> None:
    """Removes the oldest sweeps of closed tabs, if there are many, but not the ``wanted`` one."""
    closed = []
    for folder in engine.runs.glob("sweep-*"):
        tab = engine.owned_runs.tab(library.key(folder))
        if tab and not TABS.is_read(tab) and folder != wanted:
            closed.append(folder)
    closed.sort(key=lambda folder: folder.stat().st_mtime)
    for folder in closed[: max(0, len(closed) - MAX_CLOSED_SWEEPS)]:
        shutil.rmtree(folder, ignore_errors=True)
