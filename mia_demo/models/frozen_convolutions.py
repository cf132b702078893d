"""The convolutions of a frozen generator, forwards and backwards, without weight gradients.

Maps are [B, C, H, W] in channels-last memory; ``backward`` is the adjoint of ``forward``.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from mia_demo.models.resampling import deal_out, upsampling_weight
from mia_demo.models.stylegan2 import SynthesisLayer

CHANNELS_LAST = torch.channels_last


def rows_of(x: Tensor) -> Tensor:
    """[B, C, H, W] in channels-last memory -> [B, H * W, C], the same numbers."""
    return x.permute(0, 2, 3, 1).flatten(1, 2)


def maps_of(rows: Tensor, side: int) -> Tensor:
    """[B, H * W, C] -> [B, C, H, W] in channels-last memory, the same numbers."""
    return rows.unflatten(1, (side, -1)).permute(0, 3, 1, 2)


class Convolution:
    """A frozen 3x3 convolution, and the same backwards."""

    def __init__(self, layer: SynthesisLayer, dtype: torch.dtype) -> None:
        weight = layer.weight.detach()
        self.kernel = weight.to(dtype).contiguous(memory_format=CHANNELS_LAST)
        backwards = weight.flip([2, 3]).transpose(0, 1)
        self.backwards = backwards.to(dtype).contiguous(memory_format=CHANNELS_LAST)

    def forward(self, x: Tensor) -> Tensor:
        return F.conv2d(x, self.kernel, padding=1)

    def backward(self, gradient: Tensor) -> Tensor:
        return F.conv2d(gradient, self.backwards, padding=1)


class TransposedConvolution:
    """A frozen convolution that doubles the side: stride-2 transposed, then blurred."""

    def __init__(self, layer: SynthesisLayer, dtype: torch.dtype) -> None:
        kernel = layer.weight.detach().transpose(0, 1)
        self.kernel = kernel.to(dtype).contiguous(memory_format=CHANNELS_LAST)
        taps = (layer.resample_filter * 4).to(dtype)[None, None]
        self.blur = taps.repeat(layer.weight.shape[0], 1, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = F.conv_transpose2d(x, self.kernel, stride=2)
        return F.conv2d(x, self.blur, padding=1, groups=len(self.blur))

    def backward(self, gradient: Tensor) -> Tensor:
        # The blur is symmetric, so it is its own mirror image.
        gradient = F.conv2d(gradient, self.blur, padding=2, groups=len(self.blur))
        return F.conv2d(gradient, self.kernel, stride=2)


class MergedConvolution:
    """A frozen convolution that doubles the side: one with four times the outputs, dealt out."""

    def __init__(self, layer: SynthesisLayer, dtype: torch.dtype) -> None:
        kernel = upsampling_weight(layer.weight.detach(), layer.resample_filter)
        self.kernel = kernel.to(dtype).contiguous(memory_format=CHANNELS_LAST)

    def forward(self, x: Tensor) -> Tensor:
        return deal_out(F.conv2d(x, self.kernel, padding=1))

    def backward(self, gradient: Tensor) -> Tensor:
        batch, channels, height, width = gradient.shape
        squares = gradient.permute(0, 2, 3, 1).reshape(
            batch, height // 2, 2, width // 2, 2, channels
        )
        squares = squares.permute(0, 1, 3, 2, 4, 5).reshape(batch, height * width // 4, -1)
        return F.conv_transpose2d(maps_of(squares, height // 2), self.kernel, padding=1)


class FirstConvolution:
    """The convolution of the constant, as one matrix product with the styles."""

    def __init__(self, const: Tensor, layer: SynthesisLayer, dtype: torch.dtype) -> None:
        in_channels, self.side, _ = const.shape
        weight = layer.weight.detach()
        self.out_channels = len(weight)
        # [in, out, H, W]: what each style adds to the output, one group per style.
        kernels = weight.transpose(0, 1).reshape(-1, 1, 3, 3)
        response = F.conv2d(const.detach()[None], kernels, padding=1, groups=in_channels)
        response = response.unflatten(1, (in_channels, -1))[0]
        self.matrix = response.permute(0, 2, 3, 1).flatten(1).to(dtype).contiguous()

    def forward(self, styles: Tensor) -> Tensor:
        rows = (styles @ self.matrix).unflatten(1, (-1, self.out_channels))
        return maps_of(rows, self.side)

    def backward(self, gradient: Tensor) -> Tensor:
        return rows_of(gradient).flatten(1) @ self.matrix.T


FrozenConvolution = Convolution | TransposedConvolution | MergedConvolution | FirstConvolution
