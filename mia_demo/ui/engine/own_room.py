"""Room for a new classifier, where the demo is shared."""

from __future__ import annotations

from mia_demo.runs.training_run import TrainingRun
from mia_demo.ui.engine.engine import Engine
from mia_demo.ui.engine.visitors import TABS, asking_tab
from mia_demo.zoo.own_folder import MAX_OWN


def make_room(engine: Engine) -> None:
    """Removes the oldest classifier of a closed tab from a full list.

    Nobody else can: a classifier belongs to its tab. The owner's are never removed.
    """
    own = engine.zoo.own
    if asking_tab() is None or len(own.targets()) < MAX_OWN:
        return
    for entry in own.targets():
        tab = engine.owned_runs.tab(TrainingRun(entry).key)
        if tab and not TABS.is_read(tab):
            own.remove(entry.name)
            engine.networks.forget(engine.zoo, entry.name)
            return
