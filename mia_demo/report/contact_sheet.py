"""All identities at a glance: a training photo beside each lane's best reconstruction."""

from collections import Counter
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mia_demo.data.identities import IdentitySet
from mia_demo.sweep.results import JudgedAttack, SweepResults
from mia_demo.zoo.reading import Zoo

RIGHT, WRONG = "✓ right", "✗ wrong"


@dataclass(frozen=True)
class Tile:
    """A lane's best reconstruction of an identity, as the evaluator sees it.

    Attributes:
        top1: whom the evaluator sees in it.
        hits: kept reconstructions of all seeds in which it sees the right identity.
        kept: all kept reconstructions.
    """

    identity: int
    lane: str
    top1: int
    hits: int
    kept: int

    @property
    def is_recognised(self) -> bool:
        return self.top1 == self.identity

    @property
    def mark(self) -> str:
        return RIGHT if self.is_recognised else WRONG


def contact_sheet(results: SweepResults) -> list[list[Tile]]:
    """A row for each identity, with a tile for each lane; pictures are of the first seed."""
    record = results.record
    by_lane = {lane: _by_identity(results.attacks[lane]) for lane in record.lanes}
    return [
        [_tile(lane, by_lane[lane][identity], record.seeds[0]) for lane in record.lanes]
        for identity in record.identities
    ]


def nearest_photos(
    results: SweepResults, zoo: Zoo, identities: IdentitySet
) -> npt.NDArray[np.uint8]:
    """A training photo [I, R, R, 3] of each identity: the one that most lanes came nearest to.

    Args:
        identities: of the zoo.

    Raises:
        DataError: an image cannot be read.
    """
    size = results.pictures.shape[2]
    first = results.record.seeds[0]
    nearest: dict[int, Counter[int]] = {i: Counter() for i in results.record.identities}
    for lane in results.record.lanes:
        for attack in results.attacks[lane]:
            if attack.seed == first:
                nearest[attack.identity][attack.nearest[0]] += 1
    photos: dict[int, list[int]] = {identity: [] for identity in nearest}
    for identity, index in zoo.split_items(identities)["train"]:  # verdicts count these alone
        if identity in photos:
            photos[identity].append(index)
    chosen = [
        (identity, photos[identity][votes.most_common(1)[0][0]])
        for identity, votes in nearest.items()
    ]
    images, _ = identities.items(size, chosen)
    return images.permute(0, 2, 3, 1).numpy()


def _by_identity(attacks: list[JudgedAttack]) -> dict[int, list[JudgedAttack]]:
    grouped: dict[int, list[JudgedAttack]] = {}
    for attack in attacks:
        grouped.setdefault(attack.identity, []).append(attack)
    return grouped


def _tile(lane: str, attacks: list[JudgedAttack], first_seed: int) -> Tile:
    shown = next(attack for attack in attacks if attack.seed == first_seed)
    seen = [identity for attack in attacks for identity in attack.top1]
    identity = shown.identity
    return Tile(identity, lane, shown.top1[0], seen.count(identity), len(seen))
