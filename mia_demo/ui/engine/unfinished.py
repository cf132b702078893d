"""Trainings that were begun and not finished: paused, or their tab was closed."""

from __future__ import annotations

from pathlib import Path

from mia_demo.errors import ConfigError
from mia_demo.system.json_files import checked, read_json
from mia_demo.training.config import TrainConfig
from mia_demo.ui.engine.training import HISTORY_FILE, PLAN_FILE, TrainingPlan, plan_training
from mia_demo.zoo.layers import LayeredZoo


def unfinished_trainings(zoo: LayeredZoo, runs: Path) -> list[TrainingPlan]:
    """Those that can be resumed, the newest first; unreadable ones are left out."""
    plans = []
    for folder in runs.glob("training-*"):
        try:
            known = read_json(folder / PLAN_FILE)
            config = checked(TrainConfig, known["recipe"], "recipe")
            plan = plan_training(zoo, runs, config, checked(int, known["images"], "images"))
        except (OSError, ValueError, KeyError, TypeError, ConfigError):
            continue
        # Repetitions have folders of another name, and are not resumed.
        if plan.folder == folder and plan.epochs_done():
            plans.append(plan)
    return sorted(plans, key=_written_at, reverse=True)


def _written_at(plan: TrainingPlan) -> float:
    try:
        return (plan.folder / HISTORY_FILE).stat().st_mtime
    except OSError:
        return 0.0
