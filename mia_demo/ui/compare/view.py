"""A sweep's results as JSON for the Compare page's components."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from mia_demo.data.identities import IdentitySet
from mia_demo.data.pictures import data_uri, sprite
from mia_demo.metrics.estimates import Estimate
from mia_demo.report.columns import (
    Cell,
    Column,
    alpha_text,
    estimate_cell,
    interval_text,
    percent,
    present_columns,
)
from mia_demo.report.contact_sheet import contact_sheet, nearest_photos
from mia_demo.report.findings import find
from mia_demo.report.text import record_sentence
from mia_demo.sweep.library import Sweep
from mia_demo.sweep.pooling import AVERAGES_NOTE, pool_trainings, target_of
from mia_demo.sweep.results import SweepResults
from mia_demo.sweep.rows import LaneRow
from mia_demo.ui.boards.lane_styles import lane_styles
from mia_demo.zoo.reading import Zoo

SPRITE_COLUMNS = 10
TRAININGS_NOTE = "Points of one colour are trainings of one target: only their seed differs."


class CompareView(NamedTuple):
    """Values of the page's components, in its order; ``{}`` leaves one empty."""

    summary: dict[str, Any]
    leakage: dict[str, Any]
    sheet: dict[str, Any]
    scatter: dict[str, Any]
    table: dict[str, Any]
    attributes: dict[str, Any]


EMPTY_RESULTS = CompareView({"key": ""}, {}, {}, {}, {}, {})


def compare_view(sweep: Sweep, caveat: str, zoo: Zoo, identities: IdentitySet) -> CompareView:
    """Everything the page shows of a sweep.

    Args:
        caveat: why the current zoo may give other figures; empty if it should not.

    Raises:
        DataError: results or photos cannot be read.
    """
    results = sweep.load()
    averages = pool_trainings(results.rows)
    # Trainings of one target have its style, where they are several.
    named = {row.lane: target_of(row.lane) if averages else row.lane for row in results.rows}
    found = lane_styles({named[row.lane]: row.alpha for row in results.rows})
    styles = {lane: found[name] for lane, name in named.items()}
    table_styles = {target_of(lane): style for lane, style in styles.items()} | styles
    return CompareView(
        summary=_summary(sweep, results, caveat),
        leakage=_leakage(averages or results.rows, table_styles, _people(results)),
        scatter=_scatter(results.rows, styles, TRAININGS_NOTE if averages else ""),
        table=_table([*averages, *results.rows], table_styles, AVERAGES_NOTE if averages else ""),
        attributes=_attribute_table(results, styles),
        sheet=_sheet(results, nearest_photos(results, zoo, identities), styles),
    )


def _summary(sweep: Sweep, results: SweepResults, caveat: str) -> dict[str, Any]:
    record = results.record
    return {
        "key": sweep.key,
        "origin": "Recorded" if sweep.is_recorded else "Your sweep",
        "record": record_sentence(record),
        "caveat": caveat,
        **asdict(find(results.rows, len(record.identities))),
    }


def _people(results: SweepResults) -> dict[str, str]:
    """By lane, of how many people the best reconstruction is recognised."""
    sheet = contact_sheet(results)
    counts = [sum(tile.is_recognised for tile in tiles) for tiles in zip(*sheet, strict=True)]
    return {
        lane: f"{count} of {len(sheet)} people"
        for lane, count in zip(results.record.lanes, counts, strict=True)
    }


def _leakage(
    rows: Sequence[LaneRow], styles: dict[str, int], people: dict[str, str]
) -> dict[str, Any]:
    """One bar per lane, ordered by smoothing factor.

    Args:
        people: of ``_people``; an average over trainings has none.
    """
    bars = []
    for row in sorted(rows, key=lambda row: -row.alpha):
        lane, text = _leaking_lane(row, styles[row.lane]), f"{row.acc1.known:.0%}"
        words = f"{row.lane}, {lane['alpha']}: {text} of the reconstructions recognised"
        if interval := interval_text(row.acc1.interval):
            words += f", 95% interval {interval}"
        if count := people.get(row.lane, ""):
            words += f"; by the best one {count}"
        bars.append({**lane, "text": text, "people": count, "words": words})
    return {"lanes": bars}


def _leaking_lane(row: LaneRow, style: int) -> dict[str, Any]:
    low, high = row.acc1.interval or (row.acc1.known, row.acc1.known)
    return {
        "lane": row.lane,
        "style": style,
        "alpha": f"α = {alpha_text(row.alpha)}",
        "value": row.acc1.known,
        "low": low,
        "high": high,
    }


def _scatter(rows: list[LaneRow], styles: dict[str, int], note: str) -> dict[str, Any]:
    """A point per lane; of several trainings of one target only the first is labelled."""
    points: list[dict[str, Any]] = []
    labelled: set[str] = set()
    for row in rows:
        if row.test_accuracy.value is None:
            continue
        label = target_of(row.lane) if note else row.lane
        accuracy, interval = row.test_accuracy.known, interval_text(row.acc1.interval)
        point = {
            **_leaking_lane(row, styles[row.lane]),
            "label": "" if label in labelled else label,
            "x": accuracy,
            "words": f"{row.lane}: test accuracy {percent(accuracy)}, "
            f"Acc@1 {percent(row.acc1.known)}, "
            + (f"95% interval {interval}" if interval else "no interval"),
        }
        points.append(point)
        labelled.add(label)
    return {"points": points, "note": note}


def _table(rows: list[LaneRow], styles: dict[str, int], note: str) -> dict[str, Any]:
    columns = present_columns(rows)
    return {
        "title": "Figures",
        "note": f"In small: 95% intervals. Choose a heading to sort by it. {note}".rstrip(),
        "columns": list(map(asdict, columns)),
        "rows": [
            {"style": styles[row.lane], "cells": [asdict(column.cell(row)) for column in columns]}
            for row in rows
        ],
    }


def _attribute_table(results: SweepResults, styles: dict[str, int]) -> dict[str, Any]:
    """Attribute leakage, one row per attribute and one column per lane; ``{}`` if not measured."""
    reference = results.record.attribute_reference
    if not reference:
        return {}
    columns = [
        ("Attribute", "What the render program drew this person with."),
        ("Base rate", "Share that always guessing the commonest value gets right."),
        *(
            (lane, f"Reconstructions of {lane} that show the person's true value.")
            for lane in styles
        ),
        ("Real photos", "Share right on real test photos: the most to expect."),
        ("Other people", "Share right on people the attribute network never saw."),
    ]
    rows = []
    for name, known in reference.items():
        figures = [
            Estimate(known["base_rate"]),
            *(row.attributes[name] for row in results.rows),
            Estimate(known["real_test_accuracy"]),
            Estimate(known["held_out_accuracy"]),
        ]
        cells = [Cell(name, name), *map(estimate_cell, figures)]
        rows.append({"style": -1, "cells": list(map(asdict, cells))})
    return {
        "title": "What leaks about the person",
        "note": "How often a reconstruction shows the right attribute, judged by a network that "
        "knows none of these people.",
        "columns": [
            asdict(Column(f"c{n}", label, "share" if n else "text", hint, is_main=True))
            for n, (label, hint) in enumerate(columns)
        ],
        "rows": rows,
    }


def _sheet(
    results: SweepResults, photos: npt.NDArray[np.uint8], styles: dict[str, int]
) -> dict[str, Any]:
    sheet = contact_sheet(results)
    return {
        "columns": SPRITE_COLUMNS,
        "photos": data_uri(sprite(photos, SPRITE_COLUMNS)),
        "lanes": [
            {
                "name": lane,
                "style": styles[lane],
                "uri": data_uri(sprite(results.pictures[position], SPRITE_COLUMNS)),
            }
            for position, lane in enumerate(results.record.lanes)
        ],
        "identities": [
            {
                "number": tiles[0].identity,
                "tiles": [
                    {
                        "says": f"says {tile.top1}",
                        "recognised": tile.is_recognised,
                        "share": f"{tile.hits} of {tile.kept} reconstructions right",
                    }
                    for tile in tiles
                ],
            }
            for tiles in sheet
        ],
    }
