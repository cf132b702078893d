"""The runs that a visitor may see."""

from collections import Counter
from typing import Any

import gradio as gr

from mia_demo.errors import ConfigError
from mia_demo.runs.run import Run
from mia_demo.runs.store import NO_SUCH_RUN
from mia_demo.runs.sweep_run import kept_sweeps
from mia_demo.runs.training_run import kept_trainings
from mia_demo.sweep.library import ResultsLibrary
from mia_demo.ui.engine.engine import Engine
from mia_demo.ui.engine.who_asks import is_private
from mia_demo.ui.runs.attack_runs import ShownAttack
from mia_demo.ui.runs.shown_run import ShownRun
from mia_demo.ui.runs.sweep_runs import ShownSweep
from mia_demo.ui.runs.training_runs import ShownTraining
from mia_demo.ui.runs.unfinished_runs import (
    ShownDamaged,
    ShownUnfinished,
    UnfinishedTraining,
    unfinished_runs,
)

SHOWN_AS: dict[str, type[ShownRun[Any]]] = {
    "attack": ShownAttack,
    "training": ShownTraining,
    "sweep": ShownSweep,
    "damaged run": ShownDamaged,
    UnfinishedTraining.kind: ShownUnfinished,
}


def visible_runs(engine: Engine, request: gr.Request) -> list[ShownRun[Any]]:
    """All runs on a machine of one's own, else those of the tab and the recorded ones."""
    kept, session = engine.kept, str(request.session_hash or "")
    library = ResultsLibrary(engine.zoo, engine.runs)
    runs: list[Run] = [
        *kept.runs(),
        *kept_trainings(engine.zoo, kept.names),
        *kept_sweeps(library, kept.names),
    ]
    if is_private(request):
        runs += unfinished_runs(engine, kept.names)
    else:
        is_own = engine.owned_runs.is_of
        runs = [run for run in runs if run.is_recorded or is_own(run.key, session)]
    shown = [SHOWN_AS[run.kind](engine, run) for run in runs]
    titles = Counter(run.title for run in runs)
    for one in shown:
        if titles[one.run.title] > 1:
            one.mark = f", {one.run.date[11:19]}"  # its time of day
    return shown


def visible_run(engine: Engine, request: gr.Request, key: str) -> ShownRun[Any]:
    """The run of this key, found by listing.

    Raises:
        ConfigError: there is none that this visitor may see.
    """
    for shown in visible_runs(engine, request):
        if shown.run.key == key:
            return shown
    raise ConfigError(NO_SUCH_RUN)
