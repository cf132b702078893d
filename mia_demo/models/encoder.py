"""Encoder of the prior's training: reads a picture into the style w that draws it.

The trunk of StyleGAN2's residual discriminator (without its minibatch statistic) with ``w_dim``
outputs in place of one logit.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mia_demo.models.equalised import LEAKY_GAIN, LEAKY_SLOPE, FullyConnectedLayer
from mia_demo.models.resampling import blur_weight, resample_filter
from mia_demo.models.stylegan2 import channels_at


class ConvLayer(nn.Module):
    """Convolution with equalised learning rate; ``activate`` adds bias and leaky ReLU.

    ``down`` halves the size: blur and strided convolution are merged into one strided
    convolution (see ``blur_weight``).
    """

    resample_filter: Tensor

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        *,
        activate: bool = True,
        down: bool = False,
        gain: float = 1.0,
    ) -> None:
        super().__init__()
        shape = (out_channels, in_channels, kernel_size, kernel_size)
        self.weight = nn.Parameter(torch.randn(shape))
        self.bias = nn.Parameter(torch.zeros(out_channels)) if activate else None
        self.register_buffer("resample_filter", resample_filter())
        self.down = down
        self.kernel_size = kernel_size
        # lrelu(g x) = g lrelu(x) for g > 0, so output gains can be folded into weight and bias.
        self.output_gain = gain * (LEAKY_GAIN if activate else 1.0)
        self.weight_gain = self.output_gain / math.sqrt(in_channels * kernel_size**2)

    def forward(self, x: Tensor) -> Tensor:
        weight = self.weight * self.weight_gain
        bias = None if self.bias is None else self.bias * self.output_gain
        if self.down:
            weight = blur_weight(weight, self.resample_filter)
            x = F.conv2d(x, weight, bias, stride=2, padding=(self.kernel_size + 1) // 2)
        else:
            x = F.conv2d(x, weight, bias, padding=self.kernel_size // 2)
        return x if self.bias is None else F.leaky_relu(x, LEAKY_SLOPE)


class EncoderBlock(nn.Module):
    """Residual block that halves the resolution."""

    def __init__(self, in_channels: int, out_channels: int, *, first: bool) -> None:
        super().__init__()
        half = math.sqrt(0.5)  # sum of two branches keeps its variance
        if first:
            self.fromrgb = ConvLayer(3, in_channels, 1)
        self.first = first
        self.conv0 = ConvLayer(in_channels, in_channels, 3)
        self.conv1 = ConvLayer(in_channels, out_channels, 3, down=True, gain=half)
        self.skip = ConvLayer(in_channels, out_channels, 1, activate=False, down=True, gain=half)

    def forward(self, x: Tensor) -> Tensor:
        if self.first:
            x = self.fromrgb(x)
        return self.skip(x) + self.conv1(self.conv0(x))


class Encoder(nn.Module):
    """image [B, 3, R, R] in [-1, 1] -> w [B, w_dim], float32."""

    def __init__(self, *, resolution: int, w_dim: int, channel_base: int, channel_max: int) -> None:
        super().__init__()
        self.resolutions = [2**power for power in range(resolution.bit_length() - 1, 2, -1)]
        for size in self.resolutions:
            block = EncoderBlock(
                channels_at(size, channel_base, channel_max),
                channels_at(size // 2, channel_base, channel_max),
                first=size == resolution,
            )
            setattr(self, f"b{size}", block)
        channels = channels_at(4, channel_base, channel_max)
        self.conv = ConvLayer(channels, channels, 3)
        self.fc = FullyConnectedLayer(channels * 16, channels, activates=True)
        self.out = FullyConnectedLayer(channels, w_dim)

    def forward(self, image: Tensor) -> Tensor:
        x = image.contiguous(memory_format=torch.channels_last)
        for size in self.resolutions:
            x = getattr(self, f"b{size}")(x)
        w: Tensor = self.out(self.fc(self.conv(x).float().flatten(1)))
        return w.float()
