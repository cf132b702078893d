"""What an attacker sees of a classifier: how sure it is, how large its logits are."""

from dataclasses import dataclass

import torch
from torch import Tensor

from mia_demo.errors import ConfigError

CALIBRATION_BINS = 15


@dataclass(frozen=True)
class Calibration:
    """Of one classifier on test images.

    Attributes:
        expected_calibration_error: Σ_b n_b/N · |acc_b − conf_b| over 15 equal bins of confidence,
            in 0..1 (Guo et al., ICML 2017).
        mean_confidence: mean largest softmax value.
        target_logit, other_logits: mean logit of the true class, and of all others.
    """

    expected_calibration_error: float
    mean_confidence: float
    target_logit: float
    other_logits: float


def calibration(logits: Tensor, labels: Tensor) -> Calibration:
    """logits [N, C], labels int64 [N].

    Raises:
        ConfigError: no images, or no second class to be wrong about.
    """
    count, classes = logits.shape
    if not count or classes < 2:
        raise ConfigError(
            f"Calibration needs at least 1 image and 2 classes, not {count} and {classes}."
        )
    confidence, prediction = logits.softmax(dim=1).max(dim=1)
    correct = (prediction == labels).float()
    bins = (confidence * CALIBRATION_BINS).long().clamp_max(CALIBRATION_BINS - 1)
    gaps = torch.zeros(CALIBRATION_BINS).index_add_(0, bins, confidence - correct)
    target = logits.gather(1, labels[:, None]).sum()
    return Calibration(
        expected_calibration_error=(gaps.abs().sum() / count).item(),
        mean_confidence=confidence.mean().item(),
        target_logit=(target / count).item(),
        other_logits=((logits.sum() - target) / (count * (classes - 1))).item(),
    )
