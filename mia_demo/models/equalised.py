"""What the networks of the StyleGAN family are made of beside convolutions."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

LEAKY_SLOPE = 0.2
# Leaky ReLU halves the variance of its input, roughly; this gain restores it.
LEAKY_GAIN = math.sqrt(2.0)


class FullyConnectedLayer(nn.Module):
    """Linear layer with the equalised learning rate of the StyleGAN family; maybe leaky ReLU."""

    weight_gain: float

    def __init__(
        self,
        in_features: int,
        out_features: int,
        *,
        activates: bool = False,
        lr_multiplier: float = 1.0,
        bias_init: float = 0.0,
    ) -> None:
        super().__init__()
        weight = torch.randn(out_features, in_features)
        if not weight.is_meta:  # shapes alone; arithmetic on those imports torch's compiler
            weight = weight / lr_multiplier
        self.weight = nn.Parameter(weight)
        self.bias = nn.Parameter(torch.full((out_features,), float(bias_init)))
        self.activates = activates
        self.weight_gain = lr_multiplier / math.sqrt(in_features)
        self.bias_gain = lr_multiplier

    def forward(self, x: Tensor) -> Tensor:
        x = F.linear(x, self.weight * self.weight_gain, self.bias * self.bias_gain)
        return F.leaky_relu(x, LEAKY_SLOPE) * LEAKY_GAIN if self.activates else x
