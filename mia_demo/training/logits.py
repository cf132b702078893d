"""Histograms of a classifier's logits: the true class against all others.

Positive smoothing pulls the two groups together, negative smoothing drives them apart without
bound (paper, section 3).
"""

from dataclasses import dataclass

import torch
from torch import Tensor

LOGIT_BINS = 48


@dataclass(frozen=True)
class LogitHistogram:
    """Of N images and C classes.

    Attributes:
        low, high: the range of all logits, cut into ``LOGIT_BINS`` equal bins.
        target: share of the N logits of the true class in each bin; sums to 1.
        others: share of the N * (C - 1) logits of the other classes in each bin; sums to 1.
        target_mean, others_mean: mean logit of each group.
    """

    low: float
    high: float
    target: tuple[float, ...]
    others: tuple[float, ...]
    target_mean: float
    others_mean: float


def logit_histogram(logits: Tensor, labels: Tensor) -> LogitHistogram:
    """logits [N, C] with N >= 1 and C >= 2, labels int64 [N]."""
    is_target = torch.nn.functional.one_hot(labels, logits.shape[1]).bool()
    target, others = logits[is_target], logits[~is_target]
    low, high = logits.min().item(), logits.max().item()
    return LogitHistogram(
        low=low,
        high=high,
        target=_shares(target, low, high),
        others=_shares(others, low, high),
        target_mean=target.mean().item(),
        others_mean=others.mean().item(),
    )


def _shares(values: Tensor, low: float, high: float) -> tuple[float, ...]:
    counts = torch.histc(values, LOGIT_BINS, low, high)
    return tuple((counts / len(values)).tolist())
