"""What a classifier tells an attacker without gradients: its confidences, or its label alone."""

from collections.abc import Callable

import torch.nn.functional as F
from torch import Tensor

Told = Callable[[Tensor], Tensor]  # probabilities [N, C] -> what the attacker learns [N, C]


def all_confidences(probabilities: Tensor) -> Tensor:
    """All of them."""
    return probabilities


def label_alone(probabilities: Tensor) -> Tensor:
    """1 for the likeliest class, 0 for the others."""
    return F.one_hot(probabilities.argmax(dim=1), probabilities.shape[1]).to(probabilities.dtype)
