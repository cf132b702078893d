"""What the recordings say on the first screen: of all people, and of a dozen."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import date, datetime, timezone
from html import escape
from typing import Any

import numpy as np

from mia_demo.data.pictures import small_data_uri, sprite
from mia_demo.metrics.intervals import bootstrap_interval
from mia_demo.report.columns import alpha_text
from mia_demo.report.contact_sheet import Tile, contact_sheet
from mia_demo.report.findings import claim
from mia_demo.runs.attack_run import AttackRun
from mia_demo.sweep.library import ResultsLibrary
from mia_demo.ui.boards.lane_styles import lane_styles
from mia_demo.ui.boards.replay_view import run_board
from mia_demo.ui.engine.engine import Engine

STRIP_PIXELS = 128  # of a face: what the prior draws


@dataclass(frozen=True)
class GivenAway:
    """Of how many people a lane gives the face away, by the recorded table."""

    known: int  # recognised by the evaluator in their best face, the one on the wall of faces
    low: int  # with ``high`` the 95 % interval of ``known`` over people
    high: int
    people: int


@dataclass(frozen=True)
class Evidence:
    """What was recorded with the zoo's own networks; read once, when the page is built."""

    engine: Engine
    claim: str  # what the recorded table says, in a few words
    given_away: dict[str, GivenAway]  # by lane, from that table; empty where none fits this zoo
    runs: dict[int, AttackRun]  # recorded attacks by identity
    _boards: dict[int, dict[str, Any]] = field(default_factory=dict)  # that somebody has seen

    def todays(self, day: date) -> int:
        """Whose attack the first visit shows."""
        return whose_turn(sorted(self.runs), day)

    def board(self, identity: int) -> dict[str, Any] | None:
        """The recorded attack on this identity; None if there is none.

        Raises:
            DataError: a photo or the run is damaged.
        """
        if identity not in self.runs:
            return None
        if identity not in self._boards:
            self._boards[identity] = self._recorded_board(identity)
        return {**self._boards[identity], "is_todays": identity == self.todays(today())}

    def _recorded_board(self, identity: int) -> dict[str, Any]:
        board = run_board(self.engine, self.runs[identity])
        status = f"Recorded attack on identity {identity}; press Start to compute your own live."
        board = replace(board, phase="recorded", status=status, announcement=status)
        if board.replay:
            board = replace(board, replay={**board.replay, "plays": True})
        return board.to_json()

    def opening(self, identity: int) -> dict[str, Any] | None:
        """``board`` as the page is sent with it: the recording's steps come when it shows.

        Raises:
            DataError: a photo or the run is damaged.
        """
        board = self.board(identity)
        if board and board["replay"]:
            board["replay"] = {**board["replay"], "sheet": "", "moments": []}
        return board

    def recording(self, identity: int) -> dict[str, Any] | None:
        """What ``opening`` leaves out.

        Raises:
            DataError: the run is damaged.
        """
        board = self.board(identity)
        return board["replay"] if board else None

    def strip(self) -> dict[str, Any]:
        """The recorded people with every lane's best reconstruction; ``{}`` if there are none.

        Raises:
            DataError: a photo or a picture is damaged.
        """
        if not self.runs:
            return {}
        runs = [self.runs[identity] for identity in sorted(self.runs)]
        numbers = [run.config.identity for run in runs]
        photos, _ = self.engine.identities.tensors(STRIP_PIXELS, labels=numbers, indices=(0,))
        names = runs[0].config.lanes
        alphas = {name: runs[0].report["lanes"][name]["alpha"] for name in names}
        styles = lane_styles(alphas)
        return {
            "people": numbers,
            "photos": small_data_uri(sprite(photos.permute(0, 2, 3, 1).numpy(), len(runs))),
            "lanes": [
                {
                    "name": name,
                    "style": styles[name],
                    "alpha": alpha_text(alphas[name]),
                    "uri": small_data_uri(
                        sprite(np.stack([run.pictures(name)[0] for run in runs]), len(runs))
                    ),
                    "given": asdict(self.given_away[name]) if name in self.given_away else None,
                    "seen": [run.report["lanes"][name]["evaluator_top1"][0] for run in runs],
                }
                for name in names
            ],
        }


def read_evidence(engine: Engine) -> Evidence:
    """What fits the zoo's current networks; a damaged recording is left out.

    Raises:
        DataError: the recorded table is damaged.
    """
    weights = {entry.name: entry.stored.sha256 for entry in engine.zoo.manifest.checkpoints}
    lanes = tuple(engine.zoo.default_lanes())
    runs = {
        run.config.identity: run
        for run in engine.kept.recorded()
        if run.report["checkpoints"].items() <= weights.items()
        and run.config.lanes == lanes
        and run.config.identity < len(engine.identities)
    }
    library = ResultsLibrary(engine.zoo, engine.runs)
    for sweep in library.sweeps():
        record = sweep.record
        if sweep.is_recorded and record.lanes == list(lanes) and not library.caveat(record):
            results = sweep.load()
            sheet = contact_sheet(results)
            shares = {lane: _given_away(sheet, n) for n, lane in enumerate(lanes)}
            return Evidence(engine, claim(results.rows, len(sheet)), shares, runs)
    return Evidence(engine, "No recorded table fits these classifiers.", {}, runs)


def whose_turn(people: Sequence[int], day: date) -> int:
    """The recorded people take turns, day by day of the year: nobody picks a flattering one."""
    return people[day.timetuple().tm_yday % len(people)] if people else 0


def today() -> date:
    """In UTC, so that all visitors of a day see the same person."""
    return datetime.now(timezone.utc).date()


def claim_line(evidence: Evidence) -> str:
    """The claim as the page's heading, with the way to what it rests on."""
    return (
        f'<div class="claim"><h2>{escape(evidence.claim)}</h2> <p class="quiet">Rebuilt from '
        'a classifier. <a href="?tab=compare">Compare</a> · '
        '<a href="?tab=understand">Why?</a></p></div>'
    )


def _given_away(sheet: Sequence[Sequence[Tile]], lane: int) -> GivenAway:
    found = np.array([float(tiles[lane].is_recognised) for tiles in sheet])
    low, high = (round(share * len(found)) for share in bootstrap_interval(found))
    return GivenAway(int(found.sum()), low, high, len(found))
