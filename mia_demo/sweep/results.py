"""A finished sweep as one folder: the table, every verdict, the best pictures, where it came from.

``results.json`` holds the numbers, ``best.webp`` each lane's best reconstruction of every identity
(of the first seed). The folder is all that the Compare page needs, so recorded sweeps can be
shipped; ``report.text`` adds the table in words.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, TypedDict

import numpy as np
import numpy.typing as npt

from mia_demo.attack.attack import Attacker
from mia_demo.attack.lanes import stage_names
from mia_demo.data.pictures import read_picture, write_sheet
from mia_demo.errors import DataError
from mia_demo.sweep.curves import mean_curve
from mia_demo.sweep.judging import Judge
from mia_demo.sweep.pooling import compare_with_zero
from mia_demo.sweep.provenance import Provenance
from mia_demo.sweep.rows import LaneRow, row_from_json, row_to_json
from mia_demo.sweep.sweep import SweepPlan
from mia_demo.sweep.table import Table
from mia_demo.system.files import write_json
from mia_demo.system.json_files import checked, read_json

RESULTS_FILE = "results.json"
BEST_PICTURES_FILE = "best.webp"
RESULTS_FORMAT = 4


@dataclass(frozen=True, kw_only=True)
class Record(Provenance):
    """Where the figures of a sweep come from.

    Attributes:
        settings: of the attack; identity and seed are None there.
        attribute_reference: by attribute what the rows' shares compare with (see
            ``AttributeJudge.reference``); empty where they were refused.
    """

    settings: dict[str, Any]
    lanes: list[str]
    attribute_reference: dict[str, dict[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True)
class JudgedAttack:
    """The verdict on one lane's attack on one identity; reconstructions best first."""

    identity: int
    seed: int
    acc1: float
    acc5: float
    delta_eval: float
    delta_face: float
    target_confidence: float
    top1: list[int]  # whom the evaluator sees in each reconstruction
    nearest: list[int]  # index of the nearest training image, by the face embedder


@dataclass(frozen=True)
class SweepResults:
    """Everything a sweep found.

    Attributes:
        rows: the table, one row per lane (see ``table.Table``).
        attacks: by lane, ordered by identity, then seed.
        curves: by lane, Acc@1, target confidence and gradient cosine against steps of the
            optimisation, mean over attacks (see ``mean_curve``).
        pictures: uint8 [L, I, R, R, 3], best reconstruction of each identity, first seed.
    """

    record: Record
    rows: list[LaneRow]
    attacks: dict[str, list[JudgedAttack]]
    curves: dict[str, list[dict[str, Any]]]
    pictures: npt.NDArray[np.uint8]

    def picture(self, lane: str, identity: int) -> npt.NDArray[np.uint8]:
        """Best reconstruction [R, R, 3] of an identity, first seed."""
        record = self.record
        return self.pictures[record.lanes.index(lane), record.identities.index(identity)]


def collect_results(attacker: Attacker, judge: Judge, plan: SweepPlan) -> SweepResults:
    """Table and verdicts of a finished sweep."""
    table = Table(attacker, judge, plan)
    return results_with(table, [table.row(lane) for lane in plan.config.lanes])


def results_with(table: Table, rows: Sequence[LaneRow]) -> SweepResults:
    """A finished sweep's results.

    Args:
        rows: what was measured of its lanes, here or elsewhere.
    """
    attacker, plan, known = table.attacker, table.plan, table.attributes
    zoo, lanes, size = attacker.zoo, list(plan.config.lanes), attacker.framing.picture_size
    attacks = list(plan.results())
    heads = [entry.name for entry in zoo.entries("attributes")]
    targets = dict.fromkeys(name for lane in lanes for name in stage_names(lane))
    checkpoints = {
        name: zoo.entry(name).stored.sha256
        for name in ("prior", "evaluator", "embedder", *heads, *targets)
    }
    seconds = sum(result["seconds"] for result in attacks)
    provenance = Provenance.now(
        table.judge.compute, plan.identities, plan.seeds, seconds, checkpoints
    )
    record = Record(
        **vars(provenance),
        settings={**plan.config.to_json(), "identity": None, "seed": None},
        lanes=lanes,
        attribute_reference=known.reference(plan.identities) if known else {},
    )
    # Copies: a view would keep all pictures of its attack in memory.
    best = [plan.pictures(plan.seeds[0], i, size)[:, 0].numpy().copy() for i in plan.identities]
    return SweepResults(
        record=record,
        rows=compare_with_zero(rows),
        attacks=judged_attacks(plan),
        curves={
            lane: mean_curve([result["lanes"][lane]["curve"] for result in attacks])
            for lane in lanes
        },
        pictures=np.stack(best, axis=1).transpose(0, 1, 3, 4, 2),
    )


def judged_attacks(plan: SweepPlan) -> dict[str, list[JudgedAttack]]:
    """The verdicts of a finished sweep, by lane, ordered by identity, then seed."""
    keys = JudgedAttack.__dataclass_fields__.keys() - {"identity", "seed"}
    loaded = list(plan.results())
    return {
        lane: [
            JudgedAttack(
                result["identity"],
                result["seed"],
                **{key: result["lanes"][lane][key] for key in keys},
            )
            for result in loaded
        ]
        for lane in plan.config.lanes
    }


def save_results(results: SweepResults, folder: Path) -> None:
    """Writes the folder; ``results.json`` last, so a folder with it is complete."""
    write_sheet(folder / BEST_PICTURES_FILE, results.pictures)
    values = {
        "format": RESULTS_FORMAT,
        "record": asdict(results.record),
        "rows": [row_to_json(row) for row in results.rows],
        "attacks": {lane: list(map(asdict, found)) for lane, found in results.attacks.items()},
        "curves": results.curves,
    }
    write_json(folder / RESULTS_FILE, values, indent=None)


class _Written(TypedDict):
    """``results.json``."""

    record: Record
    rows: list[dict[str, Any]]
    attacks: dict[str, list[JudgedAttack]]
    curves: dict[str, list[dict[str, Any]]]


def read_record(folder: Path) -> Record:
    """Where the figures of a folder of ``save_results`` come from.

    Raises:
        DataError: missing or damaged.
    """
    try:
        record = checked(Record, read_json(folder / RESULTS_FILE)["record"], "record")
        if not (record.lanes and record.identities and record.seeds):
            raise ValueError("an empty sweep")
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise DataError(f"{RESULTS_FILE} cannot be read ({error}).") from error
    return record


def load_results(folder: Path) -> SweepResults:
    """Reads a folder of ``save_results``.

    Raises:
        DataError: missing, damaged or of another format.
    """
    try:
        written = read_json(folder / RESULTS_FILE)
        if isinstance(written, dict) and written.get("format") != RESULTS_FORMAT:
            raise DataError(f"{folder} holds results of another format; sweep again.")
        values = checked(_Written, written, "results")
        record = values["record"]
        pixels = read_picture(folder / BEST_PICTURES_FILE, "WEBP")
        lanes, people = len(record.lanes), len(record.identities)
        size = pixels.shape[0] // lanes
        return SweepResults(
            record=record,
            rows=[row_from_json(row) for row in values["rows"]],
            curves=values["curves"],
            attacks=values["attacks"],
            pictures=pixels.reshape(lanes, size, people, size, 3).transpose(0, 2, 1, 3, 4),
        )
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise DataError(f"{folder} holds no readable results ({error}); sweep again.") from error
