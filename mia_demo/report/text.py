"""A sweep's tables as text: Markdown for READMEs, CSV for spreadsheets."""

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from mia_demo.metrics.intervals import Interval
from mia_demo.report.columns import (
    DASH,
    Cell,
    estimate_cell,
    interval_text,
    percent,
    present_columns,
)
from mia_demo.report.figure import privacy_utility_svg
from mia_demo.sweep.pooling import pool_trainings
from mia_demo.sweep.results import Record, SweepResults, save_results
from mia_demo.sweep.rows import FIGURES, LaneRow
from mia_demo.system.files import write_bytes

# Of a table at a glance: field of a row, and its heading in plain words.
GLANCE = {
    "lane": "classifier",
    "alpha": "α",
    "test_accuracy": "new photos identified correctly",
    "acc1": "reconstructions recognised by the evaluator",
    "face_rank1": "by a face embedder",
}
# Figure, what was repeated, label, and how it is written.
SPREADS = (
    ("acc1", "seeds", "Acc@1, 95 % over seeds", "share"),
    ("acc1", "trainings", "Acc@1, 95 % over trainings", "share"),
    ("face_rank1", "trainings", "Rank-1, 95 % over trainings", "share"),
    ("delta_face", "trainings", "δ_face, 95 % over trainings", "number"),
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


def save_report(results: SweepResults, folder: Path) -> None:
    """``save_results``, and the same in words: ``table.csv``, ``table.md`` and ``curve.svg``."""
    write_bytes(folder / "table.csv", results_csv(results.rows).encode())
    write_bytes(folder / "table.md", all_tables(results).encode())
    write_bytes(folder / "curve.svg", privacy_utility_svg(results.rows).encode())
    # results.json comes last: a folder with it is complete.
    save_results(results, folder)


def all_tables(results: SweepResults) -> str:
    """Figures, attribute leakage and curves, in Markdown."""
    rows = results.rows
    leakage = as_attribute_markdown(rows, results.record.attribute_reference)
    return f"{results_markdown(rows)}\n{leakage}\n{as_curve_markdown(results.curves)}"


def results_markdown(rows: Sequence[LaneRow], *, main_only: bool = False) -> str:
    """A sweep's table; where targets were trained several times, their averages come first.

    Args:
        main_only: the main columns only, and averages instead of single trainings.
    """
    table = as_markdown(rows, main_only=main_only)
    pooled = pool_trainings(rows)
    if not pooled:
        return table
    averages = f"Averages over trainings:\n\n{as_markdown(pooled, main_only=main_only)}"
    return averages if main_only else f"{averages}\nEach training:\n\n{table}"


def as_markdown(rows: Sequence[LaneRow], *, main_only: bool = False) -> str:
    """The results table, or its main columns; 95 % intervals over identities in brackets."""
    columns = [column for column in present_columns(rows) if column.is_main or not main_only]
    table = [
        [column.label, *(_with_interval(column.cell(row)) for row in rows)] for column in columns
    ]
    for name, over, label, kind in SPREADS:
        intervals = [interval_text(_spread_interval(row, name, over), kind) for row in rows]
        if any(intervals):
            table.append([label, *(words or DASH for words in intervals)])
    return _table([list(line) for line in zip(*table, strict=True)])


def glance_markdown(rows: Sequence[LaneRow]) -> str:
    """What each lane gives away, for readers in a hurry; 95 % intervals over identities."""
    rows = pool_trainings(rows) or rows
    columns = [column for column in present_columns(rows) if column.key in GLANCE]
    lines = [[_with_interval(column.cell(row)) for column in columns] for row in rows]
    return _table([[GLANCE[column.key] for column in columns], *lines])


def as_attribute_markdown(rows: Sequence[LaneRow], reference: dict[str, dict[str, Any]]) -> str:
    """Attribute leakage: one row per attribute of ``Record.attribute_reference``, one column per
    lane."""
    if not reference:
        return f"Attribute leakage was not measured: {rows[0].attributes_refused}\n"
    lanes = [row.lane for row in rows]
    lines = [["attribute", "base rate", *lanes, "real test images", "held-out public images"]]
    for name, known in reference.items():
        cells = [name, f"{percent(known['base_rate'])} ({known['base_value']})"]
        for row in rows:
            found = estimate_cell(row.attributes[name])
            cells.append(f"{found.text} ({found.interval or DASH})")
        cells += [percent(known[key]) for key in ("real_test_accuracy", "held_out_accuracy")]
        lines.append(cells)
    return _table(lines)


def as_curve_markdown(curves: dict[str, list[dict[str, Any]]]) -> str:
    """Acc@1 against steps, of the candidates that are watched; gradient cosine in brackets."""
    steps = [point["step"] for point in next(iter(curves.values()))]
    lines = [["Acc@1 (gradient cosine) after", *map(str, steps)]]
    for lane, points in curves.items():
        cells = [f"{percent(p['acc1'])} ({_number(p['gradient_cosine'])})" for p in points]
        lines.append([lane, *cells])
    return _table(lines)


def results_csv(rows: Sequence[LaneRow]) -> str:
    """The table for a spreadsheet; intervals and reasons stay in the JSON."""
    present = [name for name in FIGURES if any(row.figure(name) for row in rows)]
    lines: list[list[Any]] = [["lane", "alpha", *present]]
    for row in rows:
        figures = [row.figure(name) for name in present]
        lines.append([row.lane, row.alpha, *(figure and figure.value for figure in figures)])
    return as_csv(lines)


def as_csv(lines: Iterable[Sequence[Any]]) -> str:
    stream = io.StringIO()
    csv.writer(stream, lineterminator="\n").writerows(lines)
    return stream.getvalue()


def _with_interval(cell: Cell) -> str:
    return f"{cell.text} ({cell.interval})" if cell.interval else cell.text


def _spread_interval(row: LaneRow, name: str, over: str) -> Interval | None:
    figure = row.figure(name)
    spread = figure.spread if figure else None
    return spread.interval if spread and spread.over == over else None


def _number(value: float | None) -> str:
    return DASH if value is None else f"{value:.2f}"


def _table(lines: list[list[str]]) -> str:
    head, *body = ["| " + " | ".join(cells) + " |\n" for cells in lines]
    return "".join([head, "|" + "---|" * len(lines[0]) + "\n", *body])
