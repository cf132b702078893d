"""Label smoothing for any factor: the paper on one page.

"Be Careful What You Smooth For" (Struppek, Hintersdorf, Kersting, ICLR 2024), section 3; the
negative range follows Wei et al., "To Smooth or Not?" (ICML 2022). With C classes and factor
alpha in (-inf, 1]:

    y_LS = (1 - alpha) * onehot(y) + alpha / C

alpha > 0 pulls all logits together; alpha < 0 pushes the true one away from the rest without
bound: the loss then has no minimum, which is why it is phased in (``alpha_at_epoch``).

torch's own ``label_smoothing`` argument silently ignores negative values, so it is not used.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from mia_demo.errors import ConfigError

ALPHA_RANGE = (-1000.0, 1.0)
REFERENCE_PHASES = (0.5, 0.75)  # of the schedule of negative factors


def smoothed_labels(labels: Tensor, num_classes: int, alpha: float) -> Tensor:
    """y_LS for class labels.

    Args:
        labels: int64 [B] in 0..C-1.
        num_classes: C.
        alpha: smoothing factor, at most 1.

    Returns:
        float [B, C]; rows sum to 1, entries are negative where alpha < 0.
    """
    check_alpha(alpha)
    onehot = F.one_hot(labels, num_classes).to(torch.get_default_dtype())
    return (1 - alpha) * onehot + alpha / num_classes


def smoothing_loss(logits: Tensor, labels: Tensor, alpha: float) -> Tensor:
    """Cross-entropy against y_LS, mean over the batch.

    (1 - alpha) * NLL + alpha * mean_c(-log p_c); its gradient by the logits is
    (softmax(logits) - y_LS) / B.

    Args:
        logits: [B, C].
        labels: int64 [B].
        alpha: smoothing factor, at most 1.
    """
    check_alpha(alpha)
    log_probabilities = F.log_softmax(logits, dim=1)
    negative_log_likelihood = -log_probabilities.gather(1, labels[:, None]).squeeze(1)
    uniform = -log_probabilities.mean(dim=1)
    return ((1 - alpha) * negative_log_likelihood + alpha * uniform).mean()


def alpha_at_epoch(
    alpha: float, epoch: int, epochs: int, phases: tuple[float, float] = REFERENCE_PHASES
) -> float:
    """The factor that epoch ``epoch`` (from 0) of ``epochs`` uses.

    Positive factors apply from the start. Negative ones follow the reference code's schedule,
    which has E = 100 and phases (0.5, 0.75): zero until r = E/2, a ramp
    alpha / 2 * (e + 1 - r) / (f - r) that ends at alpha / 2, and the full factor from f = 3E/4
    on, where the learning rate drops. The last epoch always uses the full factor.

    Args:
        phases: r / E and f / E.

    Raises:
        ConfigError: epoch outside 0..epochs-1.
    """
    check_alpha(alpha)
    if not 0 <= epoch < epochs:
        raise ConfigError(f"Epoch {epoch} is outside 0..{epochs - 1}.")
    ramp_share, full_share = phases
    ramp_start = int(ramp_share * epochs)
    full_start = min(math.ceil(full_share * epochs), epochs - 1)
    if alpha >= 0 or epoch >= full_start:
        return alpha
    if epoch < ramp_start:
        return 0.0
    return alpha / 2 * min((epoch + 1 - ramp_start) / ((full_share - ramp_share) * epochs), 1)


def format_alpha(alpha: float) -> str:
    """``+0.1``, ``0``, ``-0.05``."""
    return f"{alpha:+g}" if alpha else "0"


def check_alpha(alpha: float) -> None:
    """
    Raises:
        ConfigError: alpha is outside ALPHA_RANGE, or nan.
    """
    low, high = ALPHA_RANGE
    if not low <= alpha <= high:
        raise ConfigError(
            f"The smoothing factor must be at least {low:g} and at most {high:g}, not {alpha}."
        )
