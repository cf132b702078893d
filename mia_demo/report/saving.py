"""The folder of a finished sweep, with its table for spreadsheets, READMEs and eyes."""

from pathlib import Path

from mia_demo.report.figure import privacy_utility_svg
from mia_demo.report.text import (
    as_attribute_markdown,
    as_curve_markdown,
    results_csv,
    results_markdown,
)
from mia_demo.sweep.results import SweepResults, save_results
from mia_demo.system.files import write_bytes


def save_report(results: SweepResults, folder: Path) -> None:
    """``save_results``, and the same in words: ``table.csv``, ``table.md`` and ``curve.svg``."""
    write_bytes(folder / "table.csv", results_csv(results.rows).encode())
    leakage = as_attribute_markdown(results.rows, results.record.attribute_reference)
    curves = as_curve_markdown(results.curves)
    tables = f"{results_markdown(results.rows)}\n{leakage}\n{curves}"
    write_bytes(folder / "table.md", tables.encode())
    write_bytes(folder / "curve.svg", privacy_utility_svg(results.rows).encode())
    # results.json comes last: a folder with it is complete.
    save_results(results, folder)
