"""A sweep's results as one HTML file."""

from typing import Any

import numpy as np
import numpy.typing as npt

from mia_demo.report.columns import present_columns
from mia_demo.report.contact_sheet import contact_sheet
from mia_demo.report.findings import find
from mia_demo.report.templates import render
from mia_demo.report.text import record_sentence
from mia_demo.sweep.pooling import AVERAGES_NOTE, pool_trainings
from mia_demo.sweep.results import Record, SweepResults
from mia_demo.system.clock import readable


def sweep_html(results: SweepResults, photos: npt.NDArray[np.uint8]) -> str:
    """The whole file, with a training photo of each identity: uint8 [I, R, R, 3]."""
    record = results.record
    findings = find(results.rows, len(record.identities))
    averages = pool_trainings(results.rows)
    rows = [*averages, *results.rows]
    columns = present_columns(rows)
    return render(
        "sweep_report.html",
        title="Label smoothing against model inversion: results of a sweep",
        recorded=record_sentence(record),
        findings=(findings.headline, findings.verdict, *findings.details),
        note=AVERAGES_NOTE if averages else "",
        columns=columns,
        rows=[[column.cell(row) for column in columns] for row in rows],
        lanes=record.lanes,
        attributes={
            name: (
                known["base_rate"],
                *(row.attributes[name].value for row in results.rows),
                known["real_test_accuracy"],
            )
            for name, known in record.attribute_reference.items()
        },
        sheet=[
            (
                tiles[0].identity,
                photo,
                [(tile, results.picture(tile.lane, tile.identity)) for tile in tiles],
            )
            for photo, tiles in zip(photos, contact_sheet(results), strict=True)
        ],
        origin=_origin(record),
    )


def _origin(record: Record) -> dict[str, dict[str, Any]]:
    return {
        "Run": {
            "date (UTC)": readable(record.date),
            "commit": record.commit or "unknown",
            "identities": ", ".join(map(str, record.identities)),
            "seeds": ", ".join(map(str, record.seeds)),
            "lanes": ", ".join(record.lanes),
            "device": f"{record.device}, {record.precision}",
            "seconds of attacking": f"{record.seconds:,.1f}",
        },
        # Identity and seed vary within a sweep; they are None here and stated above.
        "Settings of the attack": {k: v for k, v in record.settings.items() if v is not None},
        "Versions": record.versions,
        "Checkpoints (sha256)": record.checkpoints,
    }
