"""MID: a noisy bottleneck that carries little about the picture.

Wang et al., "Improving Robustness to Model Inversion Attacks via Mutual Information
Regularization" (AAAI 2021). The d features h of a picture become a random code z of k = d/2
numbers, and the logits are linear in z:

    (mu, s) = W h + b    sigma = softplus(s - 5)    z = mu + sigma * noise
    loss + beta * mean over the batch of KL( N(mu, sigma^2) || N(0, 1) )

The divergence bounds the mutual information of picture and code. beta = 0.003 in the paper, 0.005
to 0.03 elsewhere. A trained classifier may go on drawing noise when it is used; an attacker
averages it out. Here it answers with z = mu unless ``noise_in_use`` is 1; then its frames no longer
repeat to the bit.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mia_demo.defences.defence import Defence, Step, strength
from mia_demo.defences.heads import replace_head

SHIFT = 5.0  # noise begins near softplus(-5), almost none


class NoisyHead(nn.Module):
    """features [B, d] -> logits [B, C] through a random code.

    Attributes:
        divergence: of the newest batch, mean over it; with its gradient.
    """

    def __init__(self, inputs: int, outputs: int, *, noise_in_use: bool) -> None:
        super().__init__()
        self.width = max(1, inputs // 2)
        self.code = nn.Linear(inputs, 2 * self.width)
        self.logits = nn.Linear(self.width, outputs)
        self.noise_in_use = noise_in_use
        self.divergence: Tensor | None = None

    def forward(self, features: Tensor) -> Tensor:
        mean, spread = self.code(features).float().chunk(2, dim=1)
        sigma = F.softplus(spread - SHIFT)
        if self.training:
            self.divergence = code_divergence(mean, sigma)
        if self.training or self.noise_in_use:
            mean = mean + sigma * torch.empty_like(sigma).normal_()
        logits: Tensor = self.logits(mean)
        return logits


@dataclass(frozen=True)
class Mid(Defence):
    """A bottleneck with noise before the last layer."""

    name = "mid"
    title = "MID"

    beta: float = strength(0.003, 0.0, 10.0, "The weight of the divergence")
    noise_in_use: float = strength(0, 0, 1, "Noise after training")

    def change(self, network: nn.Module) -> None:
        noisy = bool(self.noise_in_use)
        replace_head(
            network, lambda inputs, outputs: NoisyHead(inputs, outputs, noise_in_use=noisy)
        )

    def objective(self, step: Step) -> tuple[Tensor, Tensor]:
        loss, logits = step.loss(step.images, step.labels)
        (head,) = (module for module in step.network.modules() if isinstance(module, NoisyHead))
        assert head.divergence is not None
        loss, head.divergence = loss + self.beta * head.divergence, None
        return loss, logits


def code_divergence(mean: Tensor, sigma: Tensor) -> Tensor:
    """KL( N(mean, sigma^2) || N(0, 1) ), summed over the code and averaged over the batch."""
    return 0.5 * (mean**2 + sigma**2 - 1 - 2 * sigma.log()).sum(dim=1).mean()
