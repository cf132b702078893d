"""A kept attack on the Runs page, and its repetition."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from mia_demo.data.pictures import data_uri, sprite
from mia_demo.runs.attack_run import AttackRun
from mia_demo.runs.export import FILE_TYPES, file_name
from mia_demo.runs.repetition import pictures_repetition
from mia_demo.ui.boards.attack_presenter import BoardPresenter
from mia_demo.ui.boards.attack_view import BoardView
from mia_demo.ui.boards.board_words import verdict_words
from mia_demo.ui.boards.replay_view import attack_content, blank_board, run_board
from mia_demo.ui.engine.attack_news import Tracked
from mia_demo.ui.engine.engine import Engine
from mia_demo.ui.engine.jobs import Job
from mia_demo.ui.runs.repeater import Repeater, check_lanes_exist
from mia_demo.ui.runs.shown_run import ShownRun, real_photo

MAX_FACES = 4  # in the list: the best picture of each of the first lanes
MAX_COMPARED_PICTURES = 5  # of a lane


class ShownAttack(ShownRun[AttackRun]):
    """One attack."""

    files = tuple(FILE_TYPES)

    def item(self) -> dict[str, Any]:
        run = self.run
        faces = np.stack([run.pictures(lane)[0] for lane in run.config.lanes[:MAX_FACES]])
        item = {**super().item(), "faces": data_uri(sprite(faces, len(faces)))}
        if not run.is_complete:
            item["badge"] = f"stopped at step {run.report['step']}"
        return {**item, "count": len(faces)}

    def summary(self) -> str:
        run = self.run
        what = run.heading() if run.name else f"Preset {run.config.preset}"
        return f"{what}: {', '.join(run.config.lanes)}"

    def delete(self) -> None:
        self.engine.kept.delete(self.run.key)

    def sentences(self) -> list[str]:
        return [f"{self.run.heading()}.", f"{self.run.origin_line()}."]

    def parts(self) -> dict[str, Any]:
        return {"board": run_board(self.engine, self.run).to_json()}

    def download(self, kind: str) -> tuple[str, bytes]:
        return file_name(self.run, kind), attack_content(self.engine, self.run, kind)

    def repeater(self) -> AttackRepeater:
        return AttackRepeater(self.engine, self.run, self.head())

    def caption(self) -> str:
        return self.run.heading()

    def lanes(self) -> Sequence[str]:
        return self.run.config.lanes

    def photos(self, people: Sequence[int]) -> list[dict[str, str]]:
        return real_photo(self.engine, self.run.config.identity)

    def side(self, lane: str, people: Sequence[int]) -> dict[str, Any]:
        report = self.run.report["lanes"][lane]
        identity, seen = self.run.config.identity, report["evaluator_top1"][0]
        pictures = self.run.pictures(lane)[:MAX_COMPARED_PICTURES]
        return {
            "words": f"{report['target_confidence']:.0%} confidence, ",
            "verdict": verdict_words(seen, identity),
            "recognised": seen == identity,
            "pictures": [
                {
                    "uri": data_uri(pixels),
                    "alt": f"Reconstruction {rank} of identity {identity} from lane {lane}, "
                    f"run {self.title}",
                }
                for rank, pixels in enumerate(pictures, start=1)
            ],
        }


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
