"""The folder of a finished sweep, with its table for spreadsheets, READMEs and eyes."""

from pathlib import Path

from mia_demo.report.figure import privacy_utility_svg
from mia_demo.report.text import all_tables, results_csv
from mia_demo.sweep.results import SweepResults, save_results
from mia_demo.system.files import write_bytes


def save_report(results: SweepResults, folder: Path) -> None:
    """``save_results``, and the same in words: ``table.csv``, ``table.md`` and ``curve.svg``."""
    write_bytes(folder / "table.csv", results_csv(results.rows).encode())
    write_bytes(folder / "table.md", all_tables(results).encode())
    write_bytes(folder / "curve.svg", privacy_utility_svg(results.rows).encode())
    # results.json comes last: a folder with it is complete.
    save_results(results, folder)
