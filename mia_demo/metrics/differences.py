"""Lane against lane on the same identities.

Some people are easy to reconstruct and some are hard, whatever the lane; that spread is in every
lane's own interval, and cancels out of the difference identity by identity. So a lane is compared
with another by the bootstrap of their paired differences, never by looking whether the lanes' own
intervals overlap.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mia_demo.errors import ConfigError
from mia_demo.metrics.intervals import bootstrap_interval

Row = dict[str, Any]
SEPARATOR = "@"  # between a target and the seed of its training, in a lane's name
SHARES = ("acc1", "face_rank1")
COMPARED = (*SHARES, "delta_face")


@dataclass(frozen=True)
class Difference:
    """Mean of one lane's figure minus the other's, with its 95 % interval."""

    mean: float
    interval: list[float]

    @property
    def is_clear(self) -> bool:
        """Whether the interval excludes no difference at all."""
        low, high = self.interval
        return low > 0 or high < 0


def paired_difference(one: Row, other: Row, figure: str) -> Difference:
    """``one`` minus ``other``, identity by identity.

    Args:
        figure: one of ``COMPARED``; rows hold its value for every identity as FIGURE_identities.

    Raises:
        ConfigError: fewer than two identities.
    """
    values = [np.array(row[f"{figure}_identities"], dtype=np.float64) for row in (one, other)]
    differences = values[0] - values[1]
    return Difference(float(differences.mean()), bootstrap_interval(differences))


def compare_with_zero(rows: Sequence[Row]) -> None:
    """Writes FIGURE_difference and FIGURE_difference_ci95 into every row but that of α = 0.

    The first row of α = 0 is what the others are compared with, among trainings the one of the same
    seed; without one nothing is written.
    """
    plains: dict[str, Row] = {}
    for row in rows:
        if row["alpha"] == 0:
            plains.setdefault(_training_seed(row), row)
    for row in rows:
        plain = plains.get(_training_seed(row))
        if plain is None or row is plain:
            continue
        for figure in COMPARED:
            keys = (f"{figure}_difference", f"{figure}_difference_ci95")
            try:
                found = paired_difference(row, plain, figure)
            except ConfigError as error:
                row.update(dict.fromkeys(keys))
                row["refused"].update(dict.fromkeys(keys, str(error)))
            else:
                row.update(zip(keys, (found.mean, found.interval), strict=True))


def _training_seed(row: Row) -> str:
    return str(row["lane"].partition(SEPARATOR)[2])
