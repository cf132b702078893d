"""A sweep's tables as text: Markdown for READMEs, CSV for spreadsheets."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import Any

from mia_demo.metrics.pooling import pool_trainings
from mia_demo.report.columns import DASH, Column, percent, present_columns
from mia_demo.sweep.results import Record
from mia_demo.sweep.table import Row

IN_JSON_ONLY = ("attributes", "refused")
LISTS = ("_ci95", "_identities", "_seeds", "_trainings")  # how their keys end; in the JSON as well

SPREADS = (
    Column("acc1_seeds_ci95", "Acc@1, 95 % over seeds", "share", ""),
    Column("acc1_trainings_ci95", "Acc@1, 95 % over trainings", "share", ""),
    Column("face_rank1_trainings_ci95", "Rank-1, 95 % over trainings", "share", ""),
    Column("delta_face_trainings_ci95", "δ_face, 95 % over trainings", "number", ""),
)


def record_sentence(record: Record) -> str:
    """When, with what and where the figures were made, to follow ``Recorded``."""
    people, seeds = len(record.identities), ", ".join(map(str, record.seeds))
    return (
        f"on {record.date[:10]} with seed{'' if len(record.seeds) == 1 else 's'} {seeds}, "
        f"{'commit ' + record.commit if record.commit else 'an unknown commit'}, "
        f"on {record.device.upper()} ({record.precision}): "
        f"{people} {'identity' if people == 1 else 'identities'}, "
        f"preset {record.settings.get('preset', 'unknown')}, "
        f"{record.seconds:,.0f} s of attacking."
    )


def results_markdown(rows: Sequence[Row], *, main_only: bool = False) -> str:
    """A sweep's table; where targets were trained several times, their averages come first.

    Args:
        main_only: of columns those of a first glance, of such trainings the averages alone.
    """
    table = as_markdown(rows, main_only=main_only)
    pooled = pool_trainings(rows)
    if not pooled:
        return table
    averages = f"Averages over trainings:\n\n{as_markdown(pooled, main_only=main_only)}"
    return averages if main_only else f"{averages}\nEach training:\n\n{table}"


def as_markdown(rows: Sequence[Row], *, main_only: bool = False) -> str:
    """The results table, 95 % intervals over identities in brackets.

    Args:
        main_only: only the columns that a page shows at first glance.
    """
    columns = [column for column in present_columns(rows) if column.is_main or not main_only]
    spreads = [spread for spread in SPREADS if any(row.get(spread.key) for row in rows)]
    lines = [[column.label for column in (*columns, *spreads)]]
    for row in rows:
        cells = [_with_interval(column, row) for column in columns]
        cells += [spread.interval_text(row.get(spread.key)) or DASH for spread in spreads]
        lines.append(cells)
    return _table(lines)


def as_attribute_markdown(rows: Sequence[Row], reference: dict[str, dict[str, Any]]) -> str:
    """Attribute leakage: an attribute a row, a lane a column.

    Args:
        reference: by attribute, from ``Record.attribute_reference``; empty where it was refused.
    """
    if not reference:
        reason = rows[0]["refused"]["attributes"]
        return f"Attribute leakage was not measured: {reason}\n"
    lanes = [row["lane"] for row in rows]
    lines = [["attribute", "base rate", *lanes, "real test images", "held-out public images"]]
    for name, known in reference.items():
        cells = [name, f"{percent(known['base_rate'])} ({known['base_value']})"]
        for row in rows:
            interval = _share_interval(row["attributes_ci95"][name])
            cells.append(f"{_share(row['attributes'][name])} ({interval})")
        cells += [_share(known[key]) for key in ("real_test_accuracy", "held_out_accuracy")]
        lines.append(cells)
    return _table(lines)


def as_curve_markdown(curves: dict[str, list[dict[str, Any]]]) -> str:
    """Acc@1 of all candidates against steps, gradient cosine in brackets."""
    steps = [point["step"] for point in next(iter(curves.values()))]
    lines = [["Acc@1 (gradient cosine) after", *map(str, steps)]]
    for lane, points in curves.items():
        cells = [f"{percent(p['acc1'])} ({_number(p['gradient_cosine'])})" for p in points]
        lines.append([lane, *cells])
    return _table(lines)


def results_csv(rows: Sequence[Row]) -> str:
    """The table for a spreadsheet; intervals and reasons stay in the JSON."""
    known = dict.fromkeys(key for row in rows for key in row)  # zero has no difference to itself
    columns = [key for key in known if key not in IN_JSON_ONLY and not key.endswith(LISTS)]
    stream = io.StringIO()
    writer = csv.DictWriter(stream, columns, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return stream.getvalue()


def _with_interval(column: Column, row: Row) -> str:
    words = column.text(row.get(column.key))
    interval = column.interval_text(row.get(column.interval))
    return f"{words} ({interval})" if interval else words


def _share_interval(bounds: Sequence[float] | None) -> str:
    return " to ".join(percent(end) for end in bounds) if bounds else DASH


def _share(value: float | None) -> str:
    return DASH if value is None else percent(value)


def _number(value: float | None) -> str:
    return DASH if value is None else f"{value:.2f}"


def _table(lines: list[list[str]]) -> str:
    head, *body = ["| " + " | ".join(cells) + " |\n" for cells in lines]
    return "".join([head, "|" + "---|" * len(lines[0]) + "\n", *body])
