"""Fréchet distance between two clouds of features (Heusel et al. 2017)."""

import torch
from torch import Tensor

from mia_demo.errors import ConfigError


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
