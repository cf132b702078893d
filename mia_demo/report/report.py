"""A sweep's results as one HTML file that needs nothing else: no scripts, no network.

Built as an element tree, which escapes every text and attribute.
"""

from __future__ import annotations

from xml.etree.ElementTree import Element, SubElement

import numpy as np
import numpy.typing as npt

from mia_demo.metrics.pooling import AVERAGES_NOTE, pool_trainings
from mia_demo.report.columns import DASH, Column, percent, present_columns
from mia_demo.report.contact_sheet import Tile, contact_sheet
from mia_demo.report.findings import find
from mia_demo.report.html_page import add_facts as _add_facts
from mia_demo.report.html_page import add_picture as _add_picture
from mia_demo.report.html_page import add_text as _text
from mia_demo.report.html_page import new_page, page_text
from mia_demo.sweep.results import Record, SweepResults
from mia_demo.sweep.table import Row

TITLE = "Label smoothing against model inversion: results of a sweep"


def html_report(results: SweepResults, photos: npt.NDArray[np.uint8]) -> str:
    """The whole file.

    Args:
        photos: uint8 [I, R, R, 3], a training photo of each identity.
    """
    page, body = new_page(TITLE)
    _text(body, "p", f"Recorded {record_sentence(results.record)}")
    _add_findings(body, results)
    _add_table(body, results.rows)
    if results.record.attribute_reference:
        _add_attributes(body, results)
    _add_sheet(body, results, photos)
    _add_record(body, results.record)
    return page_text(page)


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


def _add_findings(body: Element, results: SweepResults) -> None:
    findings = find(results.rows, len(results.record.identities))
    section = SubElement(body, "section")
    _text(section, "h2", "What came out")
    for sentence in (findings.headline, findings.verdict, *findings.details):
        if sentence:
            _text(section, "p", sentence)


def _add_table(body: Element, rows: list[Row]) -> None:
    averages = pool_trainings(rows)
    rows = [*averages, *rows]
    columns = present_columns(rows)
    section = SubElement(body, "section")
    _text(section, "h2", "Figures")
    if averages:
        _text(section, "p", AVERAGES_NOTE)
    scroller = SubElement(
        section,
        "div",
        # A wide table scrolls, by keyboard too.
        {"class": "scroller", "role": "region", "aria-label": "Figures", "tabindex": "0"},
    )
    table = SubElement(scroller, "table")
    line = SubElement(SubElement(table, "thead"), "tr")
    for column in columns:
        _text(line, "th", column.label, scope="col", title=column.hint)
    tbody = SubElement(table, "tbody")
    for row in rows:
        line = SubElement(tbody, "tr")
        for column in columns:
            _add_cell(line, column, row)
    meanings = SubElement(section, "dl")
    for column in columns:
        _text(meanings, "dt", column.label)
        _text(meanings, "dd", column.hint)


def _add_attributes(body: Element, results: SweepResults) -> None:
    section = SubElement(body, "section")
    _text(section, "h2", "What leaks about the person")
    _text(
        section,
        "p",
        "How often a reconstruction shows the right attribute, judged by a network that knows "
        "none of these people. Base rate: always guessing the commonest value. Real photos: the "
        "most to expect.",
    )
    table = SubElement(section, "table")
    line = SubElement(SubElement(table, "thead"), "tr")
    for label in ("attribute", "base rate", *results.record.lanes, "real photos"):
        _text(line, "th", label, scope="col")
    tbody = SubElement(table, "tbody")
    for name, known in results.record.attribute_reference.items():
        line = SubElement(tbody, "tr")
        _text(line, "th", name, scope="row")
        shares = [row["attributes"][name] for row in results.rows]
        for share in (known["base_rate"], *shares, known["real_test_accuracy"]):
            _text(line, "td", DASH if share is None else percent(share))


def _add_cell(line: Element, column: Column, row: Row) -> None:
    cell = _text(line, "td", column.text(row.get(column.key)))
    if row.get(column.interval):
        interval = f"95%: {column.interval_text(row[column.interval])}"
        _text(cell, "small", interval, **{"class": "interval"})
    if column.key in row.get("refused", {}):
        _text(cell, "small", row["refused"][column.key], **{"class": "reason"})


def _add_sheet(body: Element, results: SweepResults, photos: npt.NDArray[np.uint8]) -> None:
    section = SubElement(body, "section")
    _text(section, "h2", "All identities")
    _text(
        section,
        "p",
        "A training photo beside each lane's best reconstruction (first seed). "
        "Right: the evaluator names the identity, the face leaked.",
    )
    sheet = SubElement(section, "div", {"class": "sheet"})
    for photo, tiles in zip(photos, contact_sheet(results), strict=True):
        identity = tiles[0].identity
        card = SubElement(sheet, "article")
        _text(card, "h3", f"Identity {identity}")
        figure = _add_picture(card, photo, f"Training photo of identity {identity}")
        _text(figure, "figcaption", "training photo")
        for tile in tiles:
            _add_tile(card, results.picture(tile.lane, identity), tile)


def _add_tile(card: Element, picture: npt.NDArray[np.uint8], tile: Tile) -> None:
    alt = f"Best reconstruction of identity {tile.identity} from lane {tile.lane}"
    figure = _add_picture(card, picture, alt)
    caption = _text(figure, "figcaption", tile.lane)
    kind = "right" if tile.is_recognised else "wrong"
    _text(caption, "strong", f"{tile.mark}: says {tile.top1}", **{"class": kind})
    _text(caption, "small", f"{tile.hits} of {tile.kept} right")


def _add_record(body: Element, record: Record) -> None:
    section = SubElement(body, "section")
    _text(section, "h2", "Where the figures come from")
    facts = {
        "date (UTC)": record.date,
        "commit": record.commit or "unknown",
        "identities": ", ".join(map(str, record.identities)),
        "seeds": ", ".join(map(str, record.seeds)),
        "lanes": ", ".join(record.lanes),
        "device": f"{record.device}, {record.precision}",
        "seconds of attacking": f"{record.seconds:,.1f}",
    }
    _add_facts(section, "Run", facts)
    # None: varies within a sweep, and is stated above.
    settings = {key: str(value) for key, value in record.settings.items() if value is not None}
    _add_facts(section, "Settings of the attack", settings)
    _add_facts(section, "Versions", record.versions)
    _add_facts(section, "Checkpoints (sha256)", record.checkpoints)
