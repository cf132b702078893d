"""A row of the results table, and how it is written in ``results.json`` (format 4)."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from mia_demo.metrics.estimates import Estimate, Spread
from mia_demo.metrics.intervals import Interval
from mia_demo.system.json_files import checked

DIFFERENCES = ("acc1_difference", "face_rank1_difference", "delta_face_difference")


@dataclass(frozen=True)
class LaneRow:
    """Everything measured of one lane.

    None stands for a figure that this table does not have; an ``Estimate`` without value was
    refused. Fields are named and ordered as the table's columns in files.

    Attributes:
        acc1, acc5, face_rank1: shares of reconstructions in which the evaluator sees the right
            identity (first, among its first five), and the face embedder does.
        delta_eval, delta_face: distances to the nearest training image, of ``Verdict``.
        acc1_difference, face_rank1_difference, delta_face_difference: from the lane with α = 0,
            identity by identity.
        attributes: share of reconstructions that show the right value, by attribute.
        attributes_refused: why attributes, or intervals of them, are missing.
        defence: of a target that is defended otherwise than by its labels, else empty.
    """

    lane: str
    alpha: float
    test_accuracy: Estimate
    acc1: Estimate
    acc5: Estimate
    delta_eval: Estimate
    delta_face: Estimate
    target_confidence: Estimate | None = None
    face_rank1: Estimate | None = None
    expected_calibration_error: Estimate | None = None
    mean_confidence: Estimate | None = None
    target_logit: Estimate | None = None
    other_logits: Estimate | None = None
    frechet: Estimate | None = None
    precision: Estimate | None = None
    recall: Estimate | None = None
    density: Estimate | None = None
    coverage: Estimate | None = None
    extraction_train: Estimate | None = None
    extraction_test: Estimate | None = None
    acc1_difference: Estimate | None = None
    face_rank1_difference: Estimate | None = None
    delta_face_difference: Estimate | None = None
    attributes: Mapping[str, Estimate] = field(default_factory=dict)
    attributes_refused: str = ""
    defence: str = ""

    def figure(self, name: str) -> Estimate | None:
        """A figure by its field's name."""
        found = getattr(self, name)
        assert found is None or isinstance(found, Estimate)
        return found


FIGURES = tuple(
    field.name for field in fields(LaneRow) if field.type in (Estimate, Estimate | None)
)
MEANS = ("test_accuracy", "acc1", "acc5", "delta_eval", "delta_face", "target_confidence")


def row_to_json(row: LaneRow) -> dict[str, Any]:
    """Keys in the order of format 4: an interval of FIGURE is FIGURE_ci95, its figures by identity
    are FIGURE_identities, those by seed FIGURE_seeds; ``refused`` says by key why it is null."""
    written: dict[str, Any] = {"lane": row.lane, "alpha": row.alpha}
    if row.defence:
        written["defence"] = row.defence
    refused: dict[str, str] = {}

    def put(key: str, found: Any, reason: str) -> None:
        written[key] = list(found) if isinstance(found, tuple) else found
        if found is None and reason:
            refused[key] = reason

    for name in MEANS:
        if figure := row.figure(name):
            put(name, figure.value, figure.refused)
    seeds = row.acc1.spread
    written["acc1_identities"] = list(row.acc1.per_identity)
    if seeds:
        written["acc1_seeds"] = list(seeds.means)
    written["delta_face_identities"] = list(row.delta_face.per_identity)
    written["refused"] = refused
    put("acc1_ci95", row.acc1.interval, row.acc1.refused)
    if seeds:
        put("acc1_seeds_ci95", seeds.interval, seeds.refused)
    put("delta_face_ci95", row.delta_face.interval, row.delta_face.refused)
    for name in FIGURES[len(MEANS) :]:
        if figure := row.figure(name):
            put(name, figure.value, figure.refused)
            if figure.per_identity:
                written[f"{name}_identities"] = list(figure.per_identity)
            if name == "face_rank1" or name in DIFFERENCES:
                put(f"{name}_ci95", figure.interval, figure.refused)
        if name == "face_rank1":
            _put_attributes(row, written, refused)
    return written


def _put_attributes(row: LaneRow, written: dict[str, Any], refused: dict[str, str]) -> None:
    written["attributes"] = {name: share.value for name, share in row.attributes.items()}
    written["attributes_ci95"] = {
        name: share.interval and list(share.interval)
        for name, share in row.attributes.items()
        if share.value is not None
    }
    if row.attributes_refused:
        refused["attributes_ci95" if row.attributes else "attributes"] = row.attributes_refused


@dataclass(frozen=True)
class _Lane:
    """What is written of a lane besides its figures."""

    lane: str
    alpha: float
    refused: dict[str, str]
    attributes: dict[str, float | None]
    attributes_ci95: dict[str, tuple[float, float] | None]
    defence: str = ""


def row_from_json(written: Mapping[str, Any]) -> LaneRow:
    """Keys that are missing or unknown are passed over, but for the figures that all rows have.

    Raises:
        KeyError: one of those is missing.
        ValueError: a value is of another type.
    """
    names = [field.name for field in fields(_Lane)]
    empty: dict[str, Any] = {"refused": {}, "attributes": {}, "attributes_ci95": {}}
    lane = checked(_Lane, empty | {key: written[key] for key in names if key in written}, "row")
    refused, bounds = lane.refused, lane.attributes_ci95

    def read(kind: Any, key: str, missing: Any = None) -> Any:
        return checked(kind, written.get(key, missing), key)

    def figure(name: str) -> Estimate:
        interval, spread = f"{name}_ci95", f"{name}_seeds_ci95"
        means = read(tuple[float, ...], f"{name}_seeds", [])
        seeds = Spread("seeds", means, read(Interval | None, spread), refused.get(spread, ""))
        return Estimate(
            read(float | None, name),
            read(Interval | None, interval),
            read(tuple[float, ...], f"{name}_identities", []),
            refused.get(name) or refused.get(interval, ""),
            seeds if means else None,
        )

    return LaneRow(
        lane=lane.lane,
        alpha=lane.alpha,
        attributes={name: Estimate(n, bounds.get(name)) for name, n in lane.attributes.items()},
        attributes_refused=refused.get("attributes") or refused.get("attributes_ci95", ""),
        defence=lane.defence,
        **{name: figure(name) for name in FIGURES if name in written},
    )
