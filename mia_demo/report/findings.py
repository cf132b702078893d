"""What a results table says, in sentences computed from its figures."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations

from mia_demo.metrics.estimates import Estimate, paired_difference
from mia_demo.report.columns import interval_text, percent
from mia_demo.sweep.pooling import pool_trainings
from mia_demo.sweep.rows import LaneRow

# Intervals over fewer identities are too coarse to draw a conclusion from.
MIN_IDENTITIES = 10
# Four lanes; more would fill a paragraph with names.
MAX_NAMED_PAIRS = 6
STUDENTS_MARGIN = 0.02  # another training of the same lane gives as much

AGREES, PARTLY, OPPOSES, MIXED = "agrees", "partly", "opposes", "mixed"
UNCLEAR, TOO_FEW = "unclear", "too few"
NOT_SHOWN = "The recorded attacks do not show that smoothing matters."


@dataclass(frozen=True)
class Findings:
    """What came out.

    Attributes:
        headline: which lane leaks most and which least.
        agreement: with the paper's order, one of the constants above; empty where the smoothing
            factors of all lanes have the same sign.
        verdict: the agreement as a sentence.
        details: differences, what the other judges say, utility.
    """

    headline: str
    agreement: str
    verdict: str
    details: list[str]


def find(rows: Sequence[LaneRow], identities: int) -> Findings:
    """Reads a table of at least one row; trainings of one target speak as their average."""
    rows = pool_trainings(rows) or rows
    agreement, verdict = _agreement(rows, identities)
    differences = _differences(rows) if identities >= MIN_IDENTITIES else []
    details = [*differences, *_other_judges(rows), *_utility(rows)]
    return Findings(_headline(rows), agreement, verdict, details)


def claim(rows: Sequence[LaneRow], identities: int) -> str:
    """The result for above a picture; the paper's effect only where ``find`` says it is here."""
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


def _headline(rows: Sequence[LaneRow]) -> str:
    most, least = _extremes(rows, "acc1")
    if len(rows) == 1:
        return f"The evaluator recognises {_leakage(most[0])} of the reconstructions."
    if most == least:
        return f"All lanes leak alike: the evaluator recognises {_leakage(most[0])} of each."
    return (
        f"{_leak(most)} most: the evaluator recognises {_leakage(most[0])} of the "
        f"reconstructions. {_leak(least)} least: {_leakage(least[0])}."
    )


def _agreement(rows: Sequence[LaneRow], identities: int) -> tuple[str, str]:
    """Whether the differences that the paper predicts are found: by the sign of the factors."""
    pairs = [
        (one, other) if _sign(one) > _sign(other) else (other, one)
        for one, other in combinations([row for row in rows if not row.defence], 2)
        if _sign(one) != _sign(other)
    ]  # the one that should leak more first
    if not pairs:
        return "", ""
    effects = []
    if any(row.alpha > 0 for row in rows):
        effects.append("positive smoothing leaks more")
    if any(row.alpha < 0 for row in rows):
        effects.append("negative smoothing leaks less")
    paper = f"The paper finds that {' and '.join(effects)}"
    if identities < MIN_IDENTITIES:
        people = "1 identity" if identities == 1 else f"{identities} identities"
        return TOO_FEW, f"{paper}; {people} are too few to say whether it is so here."
    clear = [pair for pair in pairs if _difference(*pair).is_clear]
    with_paper = [(more, less) for more, less in clear if more.acc1.known > less.acc1.known]
    if len(with_paper) == len(pairs):
        return AGREES, f"{paper}. So it is here: every difference that it predicts is clear."
    reversed_pairs = [(more, less) for more, less in pairs if more.acc1.known < less.acc1.known]
    against = [pair for pair in reversed_pairs if pair in clear]
    contrary = _contrary(reversed_pairs)
    if not clear:
        return UNCLEAR, f"{paper}; here no difference is clear, so neither order is shown."
    if not against:
        share = f"{len(with_paper)} of the {len(pairs)} differences that it predicts"
        verb = "is" if len(with_paper) == 1 else "are"
        return PARTLY, f"{paper}. Here only {share} {verb} clear{contrary}."
    if not with_paper:
        return OPPOSES, f"{paper}; where lanes differ clearly here, it is the other way round."
    agreeing = f"of the {len(clear)} clear differences here {len(with_paper)} agree"
    return MIXED, f"{paper}; {agreeing}{contrary}."


def _contrary(pairs: Sequence[tuple[LaneRow, LaneRow]]) -> str:
    """Names what contradicts the paper, as the end of a sentence."""
    if not pairs or len(pairs) > MAX_NAMED_PAIRS:
        return f", and {len(pairs)} have the opposite order" if pairs else ""
    named = [f"{less.lane} leaks more than {more.lane}" for more, less in pairs]
    return f", and {', '.join(named)}"


def _sign(row: LaneRow) -> int:
    return (row.alpha > 0) - (row.alpha < 0)


def _differences(rows: Sequence[LaneRow]) -> list[str]:
    pairs = [
        (one, other, _difference(one, other))
        for one, other in combinations(sorted(rows, key=lambda row: -row.acc1.known), 2)
    ]
    clear = [pair for pair in pairs if pair[2].is_clear]
    if len(pairs) > MAX_NAMED_PAIRS:
        return [
            f"Identity by identity, {len(clear)} of the {len(pairs)} pairs of lanes differ clearly "
            "(the 95% interval of the difference excludes 0); the order of the others may be "
            "chance."
        ]
    sentences = [
        f"Identity by identity, {one.lane} leaks {found.known * 100:.1f} percentage points more "
        f"than {other.lane} (95%: {_range(found)})."
        for one, other, found in clear
    ]
    for one, other, found in pairs:
        if found.is_clear:
            continue
        sentences.append(
            f"{one.lane} and {other.lane} do not differ clearly (95% of the difference: "
            f"{_range(found)} percentage points): their order may be chance."
            + _distances_apart(one, other)
        )
    return sentences


def _distances_apart(one: LaneRow, other: LaneRow) -> str:
    """Where counting hits shows no clear difference, the distance to the photos still may."""
    found = paired_difference(one.delta_face, other.delta_face)
    if not found.is_clear:
        return ""
    closer = one if found.known < 0 else other
    low, high = sorted(abs(bound) for bound in found.interval or ())
    return (
        f" Their distances to the photos do differ clearly: δ_face of {closer.lane} is "
        f"{abs(found.known):.3f} smaller (95%: {low:.3f} to {high:.3f})."
    )


def _range(found: Estimate) -> str:
    return interval_text(found.interval, "points")


def _other_judges(rows: Sequence[LaneRow]) -> list[str]:
    """Whether distance and student name the same leakiest lane as the evaluator."""
    if len(rows) == 1:
        return []
    leakiest = {row.lane for row in _extremes(rows, "acc1")[0]}
    sentences = []
    if _known(rows, "face_rank1"):
        first = _extremes(rows, "face_rank1")[0]
        agrees = "agrees" if leakiest & {row.lane for row in first} else "disagrees"
        figures = ", ".join(f"{row.lane} {percent(_value(row, 'face_rank1'))}" for row in rows)
        sentences.append(
            f"As a second opinion, a face embedder that knows none of these people {agrees}: it "
            f"names the right identity most often for {_and(first)} ({figures})."
        )
    if _known(rows, "delta_face"):
        closest = _extremes(rows, "delta_face")[1]
        agrees = "agrees" if leakiest & {row.lane for row in closest} else "disagrees"
        sentences.append(
            f"The distance in the face embedder's features {agrees}: reconstructions of "
            f"{_and(closest)} come closest to a training photo "
            f"(δ_face {closest[0].delta_face.known:.3f})."
        )
    if _known(rows, "extraction_test"):
        sentences.append(_student(rows, leakiest))
    return sentences


def _student(rows: Sequence[LaneRow], leakiest: set[str]) -> str:
    """ξ_test has no interval; figures closer than ``STUDENTS_MARGIN`` count as equal."""
    student = "A student taught by reconstructions alone"
    shares = [_value(row, "extraction_test") for row in rows]
    best = [row for row in rows if max(shares) - _value(row, "extraction_test") < STUDENTS_MARGIN]
    if len(best) == len(rows):
        low, high = percent(min(shares)), percent(max(shares))
        return f"{student} tells no lane from the others (ξ_test {low} to {high})."
    agrees = "agrees" if leakiest & {row.lane for row in best} else "disagrees"
    figures = ", ".join(percent(_value(row, "extraction_test")) for row in best)
    return f"{student} {agrees}: it learns most from {_and(best)} (ξ_test {figures})."


def _utility(rows: Sequence[LaneRow]) -> list[str]:
    if unmeasured := [row for row in rows if row.test_accuracy.value is None]:
        return [f"Test accuracy was not measured for {_and(unmeasured)}."]
    accuracies = [row.test_accuracy.known for row in rows]
    high, low = percent(max(accuracies)), percent(min(accuracies))
    if high == low:
        return [f"Test accuracy: {high} in every lane."]
    worst = [row for row in rows if percent(row.test_accuracy.known) == low]
    return [f"Test accuracy lies between {low} ({_and(worst)}) and {high}."]


def _extremes(rows: Sequence[LaneRow], key: str) -> tuple[list[LaneRow], list[LaneRow]]:
    """The rows with the largest figure, and those with the smallest."""

    def with_figure(choose: Callable[[list[float]], float]) -> list[LaneRow]:
        wanted = choose([_value(row, key) for row in rows])
        return [row for row in rows if _value(row, key) == wanted]

    return with_figure(max), with_figure(min)


def _known(rows: Sequence[LaneRow], key: str) -> bool:
    figures = [row.figure(key) for row in rows]
    return all(figure is not None and figure.value is not None for figure in figures)


def _value(row: LaneRow, key: str) -> float:
    figure = row.figure(key)
    assert figure is not None
    return figure.known


def _difference(one: LaneRow, other: LaneRow) -> Estimate:
    return paired_difference(one.acc1, other.acc1)


def _leakage(row: LaneRow) -> str:
    return percent(row.acc1.known)


def _leak(rows: Sequence[LaneRow]) -> str:
    lane, leak = ("Lane", "leaks") if len(rows) == 1 else ("Lanes", "leak")
    return f"{lane} {_and(rows)} {leak}"


def _and(rows: Sequence[LaneRow]) -> str:
    *others, last = [row.lane for row in rows]
    return f"{', '.join(others)} and {last}" if others else last
