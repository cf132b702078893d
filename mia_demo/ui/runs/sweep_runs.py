"""A finished sweep on the Runs page, as plain JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import urlencode

from mia_demo.data.pictures import data_uri
from mia_demo.report.columns import percent
from mia_demo.report.text import record_sentence
from mia_demo.runs.command import sweep_command
from mia_demo.runs.comparison import changes_since_sweep, differences, sweep_facts
from mia_demo.sweep.library import Sweep
from mia_demo.sweep.results import SweepResults
from mia_demo.ui.boards.sweep_view import lane_style, sweep_label
from mia_demo.ui.engine.engine import Engine
from mia_demo.ui.runs.view import time_words

COMPARED = 6  # identities whose pictures are shown beside those of another sweep


@dataclass(frozen=True)
class SweepRun:
    """A finished sweep.

    Attributes:
        name: given by a visitor; empty: its usual title.
    """

    sweep: Sweep
    name: str = ""

    @property
    def key(self) -> str:
        return self.sweep.key

    @property
    def is_recorded(self) -> bool:
        return self.sweep.is_recorded

    @property
    def title(self) -> str:
        return self.name or sweep_label(self.sweep)

    @property
    def date(self) -> str:
        return self.sweep.record.date


def sweep_item(run: SweepRun, *, may_change: bool) -> dict[str, Any]:
    """An entry of the list."""
    record = run.sweep.record
    count = len(record.identities)
    return {
        "key": run.key,
        "kind": "sweep",
        "title": run.title,
        "badge": "recorded" if run.is_recorded else "",
        "words": f"{count} {'identity' if count == 1 else 'identities'}, "
        f"lanes {', '.join(record.lanes)}",
        "when": time_words(record.date),
        "faces": "",
        "count": 0,
        "change": may_change,
    }


def sweep_details(run: SweepRun, engine: Engine) -> dict[str, Any]:
    """The head of an opened sweep."""
    record = run.sweep.record
    changes = changes_since_sweep(record, engine.zoo, engine.compute)
    return {
        "key": run.key,
        "title": run.title,
        "recorded": run.is_recorded,
        "words": [
            f"Computed {record_sentence(record)}",
            "Its table, pictures and downloads are on the Compare page.",
        ],
        "caveat": f"Changed since: {'; '.join(changes)}." if changes else "",
        "command": sweep_command(record),
        "page": "Compare",
        "link": urlencode({"tab": "compare", "results": run.key}, safe="/"),
        "files": [],
    }


def sweep_comparison(first: SweepRun, second: SweepRun, targets: Sequence[str]) -> dict[str, Any]:
    """What was set otherwise, Acc@1 and the best pictures of the same people side by side.

    Raises:
        DataError: results are damaged.
    """
    runs = (first, second)
    results = [run.sweep.load() for run in runs]
    lanes = dict.fromkeys(lane for result in results for lane in result.record.lanes)
    others = set(results[1].record.identities)
    people = [n for n in results[0].record.identities if n in others][:COMPARED]
    found = differences(*(sweep_facts(run.sweep.record) for run in runs))
    return {
        "titles": [run.title for run in runs],
        "words": [run.title for run in runs],
        "differences": [asdict(difference) for difference in found],
        "lanes": [
            {
                "name": lane,
                "style": lane_style(lane, targets, position),
                "sides": [
                    _side(result, lane, people, run.title)
                    for result, run in zip(results, runs, strict=True)
                ],
            }
            for position, lane in enumerate(lanes)
        ],
    }


def _side(
    results: SweepResults, lane: str, people: Sequence[int], title: str
) -> dict[str, Any] | None:
    if lane not in results.record.lanes:
        return None
    row = next(row for row in results.rows if row.lane == lane)
    return {
        "words": f"Acc@1 {percent(row.acc1.known)}",
        "verdict": "",
        "recognised": False,
        "pictures": [
            {
                "uri": data_uri(results.picture(lane, number)),
                "alt": f"Best reconstruction of identity {number} from lane {lane}, run {title}",
            }
            for number in people
        ],
    }
