"""Clouds of features compared: Fréchet distance (Heusel et al. 2017), precision and recall.

Precision, recall, density and coverage are those of Kynkäänniemi et al. (2019) and Naeem et al.
(2020), with the standard denominators; computed per identity and then averaged, as the paper does
(k = 3).
"""

from dataclasses import astuple, dataclass

import torch
from torch import Tensor

from mia_demo.errors import ConfigError

NEIGHBOURS = 3


def frechet_distance(left: Tensor, right: Tensor) -> float:
    """The squared Fréchet (2-Wasserstein) distance of Gaussian fits, ≥ 0 but for rounding.

    |mu_l - mu_r|^2 + tr(S_l + S_r - 2 (S_l S_r)^(1/2)) with covariances S of denominator n − 1.

    Args:
        left, right: features [n, D] and [m, D].

    Raises:
        ConfigError: fewer samples than dimensions plus one, so no full covariance.
    """
    dimensions = left.shape[1]
    if min(len(left), len(right)) <= dimensions:
        raise ConfigError(
            f"A Frechet distance in {dimensions} dimensions needs more than {dimensions} samples "
            f"on each side, not {min(len(left), len(right))}."
        )
    left, right = left.double(), right.double()
    # Of a single dimension torch.cov gives a number.
    covariance_left, covariance_right = torch.atleast_2d(torch.cov(left.T), torch.cov(right.T))
    # The trace of the root is the sum of the roots of the product's eigenvalues; these are real
    # and non-negative but for rounding, as the product of two positive semi-definite matrices.
    eigenvalues = torch.linalg.eigvals(covariance_left @ covariance_right).real.clamp_min(0)
    mean_term = (left.mean(dim=0) - right.mean(dim=0)).square().sum()
    trace = torch.trace(covariance_left) + torch.trace(covariance_right)
    return float(mean_term + trace - 2 * eigenvalues.sqrt().sum())


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
