"""What a results table says, in the few words that fit above a picture."""

from collections.abc import Sequence

from mia_demo.report.findings import AGREES, MIXED, OPPOSES, PARTLY, find
from mia_demo.sweep.rows import LaneRow

NOT_SHOWN = "The recorded attacks do not show that smoothing matters."


def claim(rows: Sequence[LaneRow], identities: int) -> str:
    """The table's result; it claims the paper's effect only where ``find`` says that it is here."""
    agreement = find(rows, identities).agreement
    if agreement == AGREES:
        more = ["positive label smoothing gives more faces away"] * any(r.alpha > 0 for r in rows)
        fewer = "negative fewer" if more else "negative label smoothing gives fewer faces away"
        parts = [*more, *[fewer] * any(row.alpha < 0 for row in rows)]
        return f"{', '.join(parts).capitalize()}."
    if agreement in (PARTLY, MIXED):
        return "Only part of what the paper finds shows here."
    if agreement == OPPOSES:
        return "Here it is the reverse of the paper's finding."
    return NOT_SHOWN
