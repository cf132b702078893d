"""Identity losses: how far a classifier is from saying "that is the target".

All take logits [B, C] and one target class, and return one loss per candidate [B]; lower is closer.
"""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

IdentityLoss = Callable[[Tensor, int], Tensor]

# 1 - |u|^2 may reach 0 when one logit holds all the L1 mass; the distance would be infinite and
# its gradient NaN. The bound is far below any value met in ordinary logits. It also
# keeps the L1 norm of all-zero logits from dividing by 0.
POINCARE_EPSILON = 1e-6


def poincare_loss(logits: Tensor, target: int, xi: float = 1e-4) -> Tensor:
    """Distance in the Poincare ball between L1-normalised logits and the target's corner.

    arccosh(1 + 2 |u - v|^2 / ((1 - |u|^2)(1 - |v|^2))) with u = o / |o|_1 and
    v = max(onehot - xi, 0); ≥ 0. Plug & Play Attacks (ICML 2022), Eq. 4; unlike cross-entropy its
    gradient does not vanish as the classifier grows confident.

    Args:
        xi: keeps the corner inside the ball, whose border is infinitely far away.
    """
    u = logits / logits.abs().sum(dim=1, keepdim=True).clamp_min(POINCARE_EPSILON)
    v = torch.zeros_like(u)
    v[:, target] = 1 - xi
    distance = (u - v).square().sum(dim=1)
    inside_u = (1 - u.square().sum(dim=1)).clamp_min(POINCARE_EPSILON)
    inside_v = 1 - v.square().sum(dim=1)
    return torch.acosh(1 + 2 * distance / (inside_u * inside_v))


def cross_entropy_loss(logits: Tensor, target: int) -> Tensor:
    """-log softmax(logits)[target], ≥ 0; its gradient vanishes as the target's softmax nears 1."""
    return -F.log_softmax(logits, dim=1)[:, target]


def max_margin_loss(logits: Tensor, target: int) -> Tensor:
    """Largest other logit minus the target's (PLG-MI, Yuan et al., AAAI 2023).

    Any real number; negative once the target leads.
    """
    others = logits.clone()
    others[:, target] = -torch.inf
    return others.amax(dim=1) - logits[:, target]


def logit_loss(logits: Tensor, target: int) -> Tensor:
    """Minus the target's logit (LOMMA, Nguyen et al., CVPR 2023, without its regulariser).

    Unbounded below.
    """
    return -logits[:, target]


# A further loss is added here; ``named.TITLES`` says what the page calls it.
LOSSES: dict[str, IdentityLoss] = {
    "poincare": poincare_loss,
    "cross_entropy": cross_entropy_loss,
    "max_margin": max_margin_loss,
    "logit": logit_loss,
}
