"""LoFt: a narrow neck whose tanh lets little gradient through.

"LoFt" (arXiv 2410.05814, formerly CALoR). The last linear layer becomes two, with few numbers
between them:

    logits = W2 tanh(W1 h + b1) + b2        W1: k x d, k = 20 to 500, 50 in its code

The neck of rank k carries less of the picture; the tanh is there to make gradients vanish: where it
saturates, the attack gets none although the classifier knows as much as before. The gap between
attacks with and without gradients shows what that is worth.
"""

from dataclasses import dataclass

from torch import nn

from mia_demo.defences.defence import Defence, strength
from mia_demo.defences.heads import replace_head


@dataclass(frozen=True)
class Loft(Defence):
    """A low-rank neck with a tanh before the last layer."""

    name = "loft"
    title = "LoFt"

    neck: float = strength(50, 1, 4096, "The width of the neck")

    def change(self, network: nn.Module) -> None:
        neck = int(self.neck)
        replace_head(
            network,
            lambda inputs, outputs: nn.Sequential(
                nn.Linear(inputs, neck), nn.Tanh(), nn.Linear(neck, outputs)
            ),
        )
