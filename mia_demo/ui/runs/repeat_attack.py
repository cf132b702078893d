"""The repetition of an attack: the same steps, up to the one whose pictures were kept."""

from __future__ import annotations

from typing import Any

from mia_demo.runs.attack_run import AttackRun
from mia_demo.runs.repetition import pictures_repetition
from mia_demo.ui.boards.attack_presenter import BoardPresenter
from mia_demo.ui.boards.attack_view import BoardView
from mia_demo.ui.boards.replay_view import blank_board
from mia_demo.ui.engine.attack_news import Tracked
from mia_demo.ui.engine.engine import Engine
from mia_demo.ui.engine.jobs import Job
from mia_demo.ui.runs.repeater import Repeater, check_lanes_exist


class AttackRepeater(Repeater):
    """Compares pictures."""

    part = "board"

    def __init__(self, engine: Engine, run: AttackRun, head: dict[str, Any]) -> None:
        check_lanes_exist(engine, run.config.lanes, run.report["checkpoints"])
        self._engine, self._run = engine, run
        self._board = BoardPresenter(blank_board(engine, run), run.config, engine.embedded)
        super().__init__(head, self._board)

    def start(self) -> Job[Tracked]:
        return self._engine.repeat(self._run)

    def show(self, update: Any, job: Job[Any]) -> tuple[Any, ...]:
        if isinstance(update, Tracked) and self._run.ended_at(update.frame):
            self.result = pictures_repetition(self._run, update.frame)
        return super().show(update, job)

    def ended(self) -> BoardView:
        return self._board.over()
