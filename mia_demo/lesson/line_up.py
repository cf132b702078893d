"""The line-up: do people see in a reconstruction whom the evaluator sees?

An evaluator's accuracy has false positives: it must name somebody, and a picture that fools one
network may fool another, though no human would see a likeness. So people get a reconstruction
and eight training photos: one of the true identity, and one of each of the seven others whom the
evaluator ranks highest, which makes them hard to tell apart for it. Guessing is right in one of
eight rounds.

The evaluator is asked twice. Its *choice* is the same task as the people's: of the eight photos,
the one nearest to the reconstruction in its features (the distance of delta_eval). Its *top-1* is
Acc@1's: whom it names among all identities, from memory and without photos. (The largest logit
of the eight would be top-1 again: the likeliest is always included.)
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
from torch import Tensor

from mia_demo.data.identities import IdentitySet
from mia_demo.errors import ConfigError
from mia_demo.metrics.intervals import Interval, wilson_interval
from mia_demo.metrics.judge import squared_distances
from mia_demo.report.text import as_csv
from mia_demo.sweep.judging import Judge

LINE_UP_PHOTOS = 8
CHANCE = 1 / LINE_UP_PHOTOS
LINE_UP_PHOTO_SIZE = 128
ALL_LANES = "all lanes"
# Rounds with a real photo instead of a reconstruction. If it shows somebody who is not among the
# eight, picking the identity asked for is pure chance: how often that happens is the
# false-positive rate.
SAME_PERSON, SOMEBODY_ELSE = "real photo of the person", "photo of somebody else"
CONTROLS = (SAME_PERSON, SOMEBODY_ELSE)


@dataclass(frozen=True)
class LineUp:
    """A reconstruction, eight photos, and the truth about them.

    Attributes:
        lane: or one of ``CONTROLS``.
        alpha: of the lane; None for a control.
        seed: of the attack.
        reconstruction: uint8 [R, R, 3].
        identities: [8] who is in the photos, in the order they are shown.
        photos: uint8 [8, S, S, 3].
        evaluator_choice: position of the photo that the evaluator would choose.
        evaluator_top1: identity it names among all.
    """

    lane: str
    alpha: float | None
    identity: int
    seed: int
    reconstruction: npt.NDArray[np.uint8]
    identities: tuple[int, ...]
    photos: npt.NDArray[np.uint8]
    evaluator_choice: int
    evaluator_top1: int

    @property
    def truth(self) -> int:
        """Position of the true identity's photo."""
        return self.identities.index(self.identity)


@dataclass
class Ballot:
    """A line-up and its votes: by voter the position of a photo. Closed once it is revealed."""

    line_up: LineUp
    votes: dict[str, int] = field(default_factory=dict)
    is_revealed: bool = False

    def counts(self) -> list[int]:
        """[8] votes by position."""
        chosen = list(self.votes.values())
        return [chosen.count(position) for position in range(LINE_UP_PHOTOS)]

    @property
    def hits(self) -> int:
        return self.counts()[self.line_up.truth]


@dataclass(frozen=True)
class VoteTally:
    """What voters and evaluator got right in a lane's rounds.

    Attributes:
        hits: votes for the person; with a photo of somebody else, false positives.
        interval: 95 %, of hits / votes, as if votes were independent. Those on one picture are
            not, so with few rounds it is too narrow.
        choice_hits, top1_hits: rounds in which the evaluator was right, by photo and by name.
    """

    lane: str
    rounds: int
    votes: int
    hits: int
    interval: Interval
    choice_hits: int
    top1_hits: int


def choose_identities(
    identity: int, logits: Tensor, rng: np.random.Generator, without: int | None = None
) -> tuple[int, ...]:
    """The true identity and its seven distractors, in random order.

    Args:
        logits: [C], the evaluator's, of the reconstruction. However low it ranks the truth, the
            truth is in the line-up.
        without: who must not be among them.

    Raises:
        ConfigError: fewer identities than photos.
    """
    if len(logits) - (without is not None) < LINE_UP_PHOTOS:
        raise ConfigError(
            f"A line-up needs {LINE_UP_PHOTOS} identities, and this zoo has {len(logits)}; "
            "choose a larger zoo."
        )
    ranked = logits.argsort(descending=True).tolist()
    distractors = [other for other in ranked if other not in (identity, without)]
    return tuple(rng.permutation([identity, *distractors[: LINE_UP_PHOTOS - 1]]).tolist())


def make_line_up(
    judge: Judge,
    people: IdentitySet,
    reconstruction: npt.NDArray[np.uint8],
    *,
    identity: int,
    lane: str,
    seed: int,
    rng: np.random.Generator,
    without: int | None = None,
) -> LineUp:
    """Puts a reconstruction uint8 [R, R, 3] of ``identity`` beside eight photos.

    Args:
        people: whose training photos are shown; which photo of each is drawn at random.
        rng: decides order and photos.
        without: who must not be among the eight.

    Raises:
        DemoError: too few identities, or a photo that cannot be read.
    """
    logits = judge.evaluator_logits(reconstruction[None])[0]
    chosen = choose_identities(identity, logits, rng, without)
    trained_on = [judge.zoo.images_of(people, other, "train") for other in chosen]
    items = [
        (other, int(rng.choice(indices))) for other, indices in zip(chosen, trained_on, strict=True)
    ]
    photos, _ = people.items(LINE_UP_PHOTO_SIZE, items)
    seen, _ = people.items(judge.evaluator.input_size, items)
    distances = squared_distances(
        judge.evaluator_features(reconstruction[None]), judge.evaluator_features(_as_pixels(seen))
    )
    return LineUp(
        lane=lane,
        alpha=None if lane in CONTROLS else judge.zoo.entry(lane).alpha or 0.0,
        identity=identity,
        seed=seed,
        reconstruction=reconstruction,
        identities=chosen,
        photos=_as_pixels(photos),
        evaluator_choice=int(distances[0].argmin()),
        evaluator_top1=int(logits.argmax()),
    )


def make_control(
    judge: Judge, people: IdentitySet, kind: str, *, identity: int, seed: int
) -> LineUp:
    """A round with a real photo in the reconstruction's place, one the classifiers never saw.

    Args:
        kind: one of ``CONTROLS``.
        identity: whom the picture shows, or does not show.
    """
    rng = np.random.default_rng((seed, CONTROLS.index(kind)))
    unseen = judge.zoo.split_items(people)["test"]  # in some data sets not of everybody
    shown = identity
    if kind == SOMEBODY_ELSE:
        shown = int(rng.choice(sorted({label for label, _ in unseen} - {identity})))
    photos = [index for label, index in unseen if label == shown]
    if not photos:
        raise ConfigError(f"Identity {identity} has no test photo for a control; deal again.")
    index = int(rng.choice(photos))
    photo, _ = people.items(judge.evaluator.input_size, [(shown, index)])
    return make_line_up(
        judge,
        people,
        _as_pixels(photo)[0],
        identity=identity,
        lane=kind,
        seed=seed,
        rng=rng,
        without=shown if shown != identity else None,
    )


def plan_rounds(
    count: int, lanes: Sequence[str], people: Sequence[int], seed: int
) -> list[tuple[int, str]]:
    """Whom of ``people`` to attack through which lane: nobody twice, lanes about equally often.

    Raises:
        ConfigError: no lanes, or fewer identities than rounds.
    """
    if not lanes:
        raise ConfigError("No lane is chosen; tick at least one.")
    if count > len(people):
        raise ConfigError(f"Only {len(people)} identities are left; deal fewer rounds.")
    rng = np.random.default_rng(seed)
    identities = rng.permutation(np.array(people))[:count].tolist()
    # Which lanes get one round more is drawn, too.
    shuffled = [lanes[position] for position in rng.permutation(len(lanes))]
    repeated = [shuffled[position % len(lanes)] for position in range(count)]
    return [(i, repeated[n]) for i, n in zip(identities, rng.permutation(count), strict=True)]


def tally(ballots: Sequence[Ballot]) -> list[VoteTally]:
    """Revealed rounds with votes, lane by lane in order of appearance, all of them, controls."""
    counted = [ballot for ballot in ballots if ballot.is_revealed and ballot.votes]
    by_lane: dict[str, list[Ballot]] = {}
    for ballot in counted:
        by_lane.setdefault(ballot.line_up.lane, []).append(ballot)
    rows = {lane: _row(lane, ballots) for lane, ballots in by_lane.items()}
    controls = [rows.pop(kind) for kind in CONTROLS if kind in rows]
    attacks = [ballot for ballot in counted if ballot.line_up.lane not in CONTROLS]
    together = [_row(ALL_LANES, attacks)] if len(rows) > 1 else []
    return [*rows.values(), *together, *controls]


def rounds_csv(ballots: Sequence[Ballot]) -> str:
    """Revealed rounds for a spreadsheet: counts of votes, nothing about who voted."""
    positions = range(1, LINE_UP_PHOTOS + 1)
    head = (
        *("round", "lane", "alpha", "seed", "true_identity", "votes", "hits"),
        *("evaluator_choice", "evaluator_top1"),
        *(f"photo_{position}_identity" for position in positions),
        *(f"photo_{position}_votes" for position in positions),
    )
    lines: list[tuple[Any, ...]] = [head]
    for number, ballot in enumerate(ballots, start=1):
        if ballot.is_revealed:
            shown = ballot.line_up
            choice = shown.identities[shown.evaluator_choice]
            told = (number, shown.lane, shown.alpha, shown.seed, shown.identity)
            counted = (len(ballot.votes), ballot.hits, choice, shown.evaluator_top1)
            lines.append((*told, *counted, *shown.identities, *ballot.counts()))
    return as_csv(lines)


def _row(lane: str, ballots: list[Ballot]) -> VoteTally:
    votes = sum(len(ballot.votes) for ballot in ballots)
    hits = sum(ballot.hits for ballot in ballots)
    shown = [ballot.line_up for ballot in ballots]
    return VoteTally(
        lane=lane,
        rounds=len(ballots),
        votes=votes,
        hits=hits,
        interval=wilson_interval(hits, votes),
        choice_hits=sum(line_up.evaluator_choice == line_up.truth for line_up in shown),
        top1_hits=sum(line_up.evaluator_top1 == line_up.identity for line_up in shown),
    )


def _as_pixels(images: Tensor) -> npt.NDArray[np.uint8]:
    """uint8 [N, 3, S, S] -> [N, S, S, 3]."""
    pixels: npt.NDArray[np.uint8] = images.permute(0, 2, 3, 1).contiguous().numpy()
    return pixels
