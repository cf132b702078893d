"""Precision, recall, density and coverage of reconstructions in feature space.

Kynkäänniemi et al. (2019) and Naeem et al. (2020), with the standard denominators; computed per
identity and then averaged, as the paper does (k = 3).
"""

from dataclasses import astuple, dataclass

import torch
from torch import Tensor

from mia_demo.errors import ConfigError

NEIGHBOURS = 3


@dataclass(frozen=True)
class Prdc:
    """Of real x_1..x_n and reconstructed y_1..y_m, k neighbours, and open balls B.

    Attributes:
        precision: 1/m Σ_j 1[some i: y_j in B(x_i)], in 0..1.
        recall: 1/n Σ_i 1[some j: x_i in B(y_j)], in 0..1.
        density: 1/(k m) Σ_j Σ_i 1[y_j in B(x_i)], in 0..n/k; about 1 for a perfect match.
        coverage: 1/n Σ_i 1[some j: y_j in B(x_i)], in 0..1.
    """

    precision: float
    recall: float
    density: float
    coverage: float


def prdc(real: Tensor, fake: Tensor, neighbours: int = NEIGHBOURS) -> Prdc:
    """Compares two clouds of features.

    A point's ball reaches to its k-th nearest neighbour in its own cloud, itself excluded.

    Args:
        real: features [n, D] of real images.
        fake: features [m, D] of reconstructions.

    Raises:
        ConfigError: a cloud has no k neighbours for each of its points.
    """
    if min(len(real), len(fake)) <= neighbours:
        raise ConfigError(
            f"Precision and recall with {neighbours} neighbours need more than {neighbours} "
            f"images on each side, not {min(len(real), len(fake))}."
        )
    real, fake = real.double(), fake.double()
    real_radius = _radius(real, neighbours)
    fake_radius = _radius(fake, neighbours)
    distances = torch.cdist(real, fake, compute_mode="donot_use_mm_for_euclid_dist")
    in_real_ball = distances < real_radius[:, None]
    in_fake_ball = distances < fake_radius[None, :]
    return Prdc(
        precision=in_real_ball.any(dim=0).double().mean().item(),
        recall=in_fake_ball.any(dim=1).double().mean().item(),
        density=in_real_ball.sum(dim=0).double().mean().item() / neighbours,
        coverage=in_real_ball.any(dim=1).double().mean().item(),
    )


def mean_prdc(parts: list[Prdc]) -> Prdc:
    """The mean over identities.

    Raises:
        ConfigError: there are none.
    """
    if not parts:
        raise ConfigError("Precision and recall need at least 1 identity, not 0.")
    columns = zip(*map(astuple, parts), strict=True)
    return Prdc(*(sum(column) / len(parts) for column in columns))


def _radius(points: Tensor, neighbours: int) -> Tensor:
    distances = torch.cdist(points, points, compute_mode="donot_use_mm_for_euclid_dist")
    # The nearest "neighbour" of a point is itself.
    return distances.kthvalue(neighbours + 1, dim=1).values
