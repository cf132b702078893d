"""The board of defences and attacks in sentences, computed from its figures.

Nothing is said to be more, less or better unless a 95 % interval over identities carries it.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from mia_demo.attack.named import TITLES
from mia_demo.metrics.estimates import Estimate, mean_over_identities
from mia_demo.metrics.intervals import best_difference_interval
from mia_demo.report.columns import interval_text, percent, points
from mia_demo.sweep.board import BoardRow
from mia_demo.sweep.board_figures import common_people, masking_gap, shares_over
from mia_demo.sweep.pooling import target_of

PLAIN = "zero"  # the target that others are compared with, of the same training seed

# Acc@1 of Plug & Play and, after the slash, of TAA: ResNet-152 on FaceScrub (AlignMI, NeurIPS 2025,
# table 8); for SSF and AT-AT their authors' own, with other priors; for MID on CelebA.
PUBLISHED = {
    "zero": "57.9% undefended",
    "negative": "8.4% / TAA 10.6%",
    "bido": "35.1% / TAA 62.6%",
    "tl_dmi": "25.1% / TAA 47.8%",
    "ssf": "70.7%, undefended 86.5%",
    "at_at": "6.5%, undefended 84%",
    "mid": "BREP-MI 20.8%, negative smoothing 19.4%",
}


def headline(rows: Sequence[BoardRow]) -> str:
    """Where a gradient is masked, and which target keeps something from every attack.

    Several trainings of a target count as one, by their mean.
    """
    targets: dict[str, list[BoardRow]] = {}
    for row in rows:
        targets.setdefault(target_of(row.lane), []).append(row)
    targets.pop(PLAIN, None)
    restored, less, agreed = [], {}, []
    for target, found in targets.items():
        pairs = [(row, plain) for row in found if (plain := plain_for(row, rows))]
        plains = [plain for _, plain in pairs]
        trainings = [row for row, _ in pairs] or found
        name = target
        if len(trainings) > 1:
            name += f" (mean of {len(trainings)} trainings)"
        if _is_gain(temperature_gain(trainings)) and _is_gain(temperature_gain(trainings, plains)):
            restored.append(target)
        difference = against_plain(trainings, plains)
        if difference and is_below_zero(difference.interval):
            less[name] = -difference.known * 100
            for_faces = against_plain(trainings, plains, "face_rank1")
            if for_faces and is_below_zero(for_faces.interval):
                agreed.append(target)
    gaps = {row.lane: masking_gap(row.cells) for row in rows}
    masked = [lane for lane, gap in gaps.items() if gap and is_below_zero(gap.interval)]
    sentences = []
    if restored:
        sentences.append(
            f"Large logits of {_listed(restored)} hide the gradient from the plain attack; "
            "dividing them by a temperature brings it back."
        )
    if masked:
        sentences.append(
            f"In {_listed(masked)} an attack without the gradient reaches more than the best with "
            "it: the gradient is masked, the person is not."
        )
    if less:
        fewer = _listed([f"{points:.1f}" for points in less.values()])
        sentences.append(
            f"Under each one’s best attack {_listed(list(less))} "
            f"{'gives' if len(less) == 1 else 'give'} less away than {PLAIN}, by {fewer} points."
        )
        sentences.append(_second_judge(agreed, len(less)))
    return " ".join(sentences) or (
        "No attack without the gradient clearly beats the best with it, at this budget."
    )


def _second_judge(agreed: Sequence[str], count: int) -> str:
    """Of how many targets the face embedder is as certain as the evaluator."""
    if not agreed:
        return "By the face embedder, none of that is clear."
    if len(agreed) == count:
        return "The face embedder agrees."
    return f"The face embedder agrees about {_listed(agreed)} alone."


def temperature_gain(
    trainings: Sequence[BoardRow], plains: Sequence[BoardRow] = ()
) -> Estimate | None:
    """Acc@1 of cross-entropy on logits / T minus that on plain logits, over the people of all.

    That temperature brings a gradient back is a sign of a mask (Athalye et al., ICML 2018).

    Args:
        trainings: of one target; their mean counts.
        plains: of another, if the question is how much more the gain is than there.

    Returns:
        None where an attack is missing, or they have nobody in common.
    """
    pair = ("temperature", "cross_entropy")
    if not all(name in row.cells for row in (*trainings, *plains) for name in pair):
        return None
    people = common_people([row.cells[name] for row in (*trainings, *plains) for name in pair])
    if not people:
        return None
    own, *others = (_mean_shares(group, pair, people) for group in (trainings, plains) if group)
    gain = own[:, 0] - own[:, 1]
    return mean_over_identities(gain - (others[0][:, 0] - others[0][:, 1]) if others else gain)


def _mean_shares(
    trainings: Sequence[BoardRow],
    names: Sequence[str],
    people: Sequence[int],
    judge: str = "acc1",
) -> npt.NDArray[np.float64]:
    """A judge's share [I, A] of every identity under these attacks, mean over trainings."""
    shares = [shares_over([row.cells[n] for n in names], people, judge) for row in trainings]
    return np.mean(shares, axis=0)


def temperature_sentence(row: BoardRow) -> str:
    """Whether large logits hide the gradient; empty where that is not certain."""
    gain = temperature_gain([row])
    if gain is None or not _is_gain(gain):
        return ""
    more = f"{gain.known * 100:.1f} points more ({interval_text(gain.interval, 'points')})"
    return f"Logits hide the gradient: with a temperature the plain attack gets {more}."


def gap_sentence(row: BoardRow) -> str:
    """What the best attack with the gradient has over the best without, and what follows."""
    gap = masking_gap(row.cells)
    if gap is None:
        return "Attacks of both kinds are needed to tell whether the gradient is masked."
    best, rest = (
        f"{percent(share)} ({TITLES[name]})"
        for name, share in ((gap.best, gap.best_acc1), (gap.blind, gap.blind_acc1))
    )
    compared = f"with the gradient {best}, without {rest}"
    if gap.interval is None or gap.interval[0] <= 0 <= gap.interval[1]:
        return f"Too close to tell over {_people(gap.people)}: {compared}."
    if is_below_zero(gap.interval):
        return f"A mask: knowing less gets more; {compared}."
    return f"With the gradient more than without, at this budget: {compared}."


def best_attack(row: BoardRow) -> str:
    """The attack that gets most out of this target."""
    return max(row.cells, key=lambda name: row.cells[name].acc1.value)


def plain_for(row: BoardRow, rows: Sequence[BoardRow]) -> BoardRow | None:
    """The plain target whose training had the same seed, ``zero@43`` for ``negative@43``."""
    wanted = PLAIN + row.lane.removeprefix(target_of(row.lane))
    return next((other for other in rows if other.lane == wanted), None)


def against_plain(
    trainings: Sequence[BoardRow], plains: Sequence[BoardRow], judge: str = "acc1"
) -> Estimate | None:
    """A judge's share under the best attack on a target minus that of the best on the plain one.

    Over the attacks and people that all rows share, mean over trainings. Attacks run on fewer
    people than others (the slow ones) are left out. None where nothing is left.
    """
    everyone = [*trainings, *plains]
    shared = {
        name: common_people([row.cells[name] for row in everyone])
        for name in everyone[0].cells
        if all(name in row.cells for row in everyone)
    }
    most = max(map(len, shared.values()), default=0)
    names = [name for name, people in shared.items() if len(people) == most]
    people = common_people([row.cells[name] for row in everyone for name in names]) if names else []
    if not people or not plains:
        return None
    own, other = (_mean_shares(group, names, people, judge) for group in (trainings, plains))
    value = float(own.mean(axis=0).max() - other.mean(axis=0).max())
    interval = best_difference_interval(own, other) if len(own) > 1 else None
    return Estimate(value, interval)


def shield_sentence(row: BoardRow, plain: BoardRow | None) -> str:
    """What is left of the shield when each target meets its own best attack; empty without."""
    if plain is None or plain is row:
        return ""
    difference = against_plain([row], [plain])
    if difference is None:
        return ""
    if not difference.is_clear:
        return f"Under each one’s best attack no difference from {plain.lane} is certain."
    less = "less" if difference.known < 0 else "more"
    return (
        f"Under each one’s best attack {abs(difference.known) * 100:.1f} points {less} than "
        f"{plain.lane}."
    )


def record_words(rows: Sequence[BoardRow]) -> str:
    """Which people, what budget, when and where; rows may have been recorded apart."""
    first = rows[0].record
    budgets = [cell.passes["optimisation"] for row in rows for cell in row.cells.values()]
    commits = sorted({row.record.commit or "unknown" for row in rows})
    people = sorted({len(cell.identities) for row in rows for cell in row.cells.values()})
    counts = _people(people[0]) if len(people) == 1 else f"{people[0]} to {_people(people[-1])}"
    seeds = ", ".join(map(str, first.seeds))
    return (
        f"Recorded on {max(row.record.date for row in rows)[:10]} (commit {_listed(commits)}): "
        f"{counts} per cell, attack seed {seeds}, at most "
        f"{max(budgets):,} classifier passes in each attack’s optimisation."
    )


def _is_gain(difference: Estimate | None) -> bool:
    return difference is not None and difference.is_clear and difference.known > 0


def is_below_zero(interval: tuple[float, float] | None) -> bool:
    return interval is not None and interval[1] < 0


def gap_text(row: BoardRow) -> tuple[str, str]:
    """The gap in points and its interval; empty where there is none."""
    gap = masking_gap(row.cells)
    if gap is None:
        return "", ""
    return points(gap.value), interval_text(gap.interval, "points")


def _people(count: int) -> str:
    return f"{count} {'person' if count == 1 else 'people'}"


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
