"""The columns of a results table: label, meaning in plain words, and how a figure is written."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from mia_demo.defences.label_smoothing import LabelSmoothing
from mia_demo.defences.registry import DEFENCES
from mia_demo.metrics.estimates import Estimate
from mia_demo.metrics.intervals import Interval
from mia_demo.smoothing import format_alpha
from mia_demo.sweep.rows import LaneRow

DASH = "–"


@dataclass(frozen=True)
class Cell:
    """A figure as written: with its 95 % interval, or with the reason why there is none."""

    value: float | str | None
    text: str
    interval: str = ""
    reason: str = ""


@dataclass(frozen=True)
class Column:
    """A field of ``LaneRow``.

    Attributes:
        kind: text, alpha, share (0..1, written in percent), points (a difference of shares, in
            percentage points with its sign), number, or change (a number with its sign).
        hint: what it means, for people who have not read the paper.
        is_main: shown at first glance; the others on demand.
    """

    key: str
    label: str
    kind: str
    hint: str
    is_main: bool = False

    def cell(self, row: LaneRow) -> Cell:
        """A row's figure in this column."""
        if self.kind in ("text", "alpha"):
            value = getattr(row, self.key)
            return Cell(value, value if self.kind == "text" else alpha_text(value))
        return estimate_cell(row.figure(self.key), self.kind)


TABLE_COLUMNS = (
    Column("lane", "Lane", "text", "The classifier under attack.", is_main=True),
    Column(
        "alpha",
        "α",
        "alpha",
        "Smoothing factor of its training labels (of the optimisation stage, if stages differ).",
        is_main=True,
    ),
    Column(
        "test_accuracy",
        "Test accuracy",
        "share",
        "Utility: share of unseen photos that the classifier names rightly.",
        is_main=True,
    ),
    Column(
        "acc1",
        "Acc@1",
        "share",
        "Leakage: share of reconstructions in which an independent evaluator, never attacked, "
        "sees the right identity. Higher leaks more.",
        is_main=True,
    ),
    Column(
        "acc1_difference",
        "Acc@1 − zero's",
        "points",
        "Leakage beyond (or below) that of the classifier without smoothing, in percentage points, "
        "identity by identity. An interval without 0 is a clear difference.",
        is_main=True,
    ),
    Column(
        "face_rank1",
        "Face rank-1",
        "share",
        "Second opinion on Acc@1: share of reconstructions whose nearest identity among all is the "
        "right one, by a face embedder that knows none of these people. Higher leaks more.",
        is_main=True,
    ),
    Column(
        "face_rank1_difference",
        "Rank-1 − zero's",
        "points",
        "As the difference in Acc@1, by the face embedder.",
    ),
    Column(
        "acc5",
        "Acc@5",
        "share",
        "As Acc@1, but the right identity need only be among the evaluator's first five.",
        is_main=True,
    ),
    Column(
        "delta_face",
        "δ_face",
        "number",
        "Distance between a reconstruction and the nearest training photo, by a face embedder "
        "that knows none of these people. Lower leaks more.",
        is_main=True,
    ),
    Column(
        "delta_face_difference",
        "δ_face − zero's",
        "change",
        "As the difference in Acc@1, in the distance to the nearest photo. Negative: closer.",
    ),
    Column(
        "extraction_test",
        "ξ_test",
        "share",
        "Share of real test photos that a student names rightly after learning from "
        "reconstructions alone. Higher leaks more.",
        is_main=True,
    ),
    Column(
        "extraction_train", "ξ_train", "share", "As ξ_test, on the photos the target learnt from."
    ),
    Column(
        "delta_eval", "δ_eval", "number", "As δ_face, in the evaluator's features. Lower: closer."
    ),
    Column(
        "target_confidence",
        "Confidence",
        "share",
        "How sure the attacked classifier itself is of the reconstructions; it judges itself here.",
    ),
    Column(
        "frechet",
        "Fréchet",
        "number",
        "Distance between all reconstructions and all training photos. Lower leaks more.",
    ),
    Column("precision", "Precision", "share", "Reconstructions that lie close to a real photo."),
    Column("recall", "Recall", "share", "Real photos that lie close to a reconstruction."),
    Column("density", "Density", "number", "How crowded real photos are with reconstructions."),
    Column("coverage", "Coverage", "share", "Real photos with a reconstruction close by."),
    Column(
        "expected_calibration_error",
        "ECE",
        "share",
        "How far the classifier's confidence on test photos is from its accuracy.",
    ),
    Column(
        "mean_confidence", "Mean conf.", "share", "The classifier's mean confidence on test photos."
    ),
    Column("target_logit", "True logit", "number", "Mean logit of the true class, test photos."),
    Column("other_logits", "Other logits", "number", "Mean logit of all other classes."),
)


def present_columns(rows: Sequence[LaneRow]) -> list[Column]:
    """The columns that at least one row has."""
    return [
        column
        for column in TABLE_COLUMNS
        if any(getattr(row, column.key) is not None for row in rows)
    ]


def estimate_cell(figure: Estimate | None, kind: str = "share") -> Cell:
    """A figure as ``Column.kind`` is written."""
    if figure is None or figure.value is None:
        return Cell(None, DASH, reason=figure.refused if figure else "")
    return Cell(figure.value, _WRITTEN[kind](figure.value), interval_text(figure.interval, kind))


def interval_text(bounds: Interval | None, kind: str = "share") -> str:
    """A 95 % interval as ``Column.kind`` is written; empty where there is none."""
    return " to ".join(map(_WRITTEN[kind], bounds)) if bounds else ""


def percent(share: float | None) -> str:
    return DASH if share is None else f"{share:.1%}"


def points(difference: float) -> str:
    """``+7.5``, ``−43.8``: percentage points."""
    return signed(difference * 100, 1)


def change(difference: float) -> str:
    """``+0.062``, ``−0.093``."""
    return signed(difference, 3)


def signed(value: float, digits: int) -> str:
    """``+0.06``, ``−0.09``, ``+0.00``: with a sign, zero with a plus, and a true minus sign."""
    return f"{round(value, digits) + 0.0:+.{digits}f}".replace("-", "−")


def fixed(value: float, digits: int) -> str:
    """``0.06``, ``−0.09``, ``0.00``: with a true minus sign; zero has none."""
    return f"{round(value, digits) + 0.0:.{digits}f}".replace("-", "−")


def alpha_text(alpha: float) -> str:
    """``+0.1``, ``0``, ``−0.05``, with a true minus sign."""
    return format_alpha(alpha).replace("-", "−")


def against_text(alpha: float | None, defence: str) -> str:
    """What a target's training did against attacks: ``α = −0.05``, or its defence's title."""
    kind = DEFENCES[defence]
    return f"α = {alpha_text(alpha or 0.0)}" if kind is LabelSmoothing else kind.title


_WRITTEN: dict[str, Callable[[float], str]] = {
    "share": percent,
    "points": points,
    "change": change,
    "number": "{:.3f}".format,
}
