"""StyleGAN2 generator: latent z -> style w -> image.

Written from Karras et al., "Analyzing and Improving the Image Quality of StyleGAN" (CVPR 2020), in
the parameter layout of the StyleGAN2-ADA reference code (``mapping.fc0.weight``,
``synthesis.b8.conv0.weight``, ...), so that converted official weights load strictly.

Two equivalences keep it fast on hardware that likes dense convolutions:

* Modulating the weights equals modulating the input and demodulating the output
  (the paper's Eq. 1-3), so one ordinary convolution serves the whole batch.
* Upsampling and its blur are merged into one convolution (``resampling``).

An attack, whose generator is frozen, computes it in ``frozen_synthesis``.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mia_demo.models.equalised import LEAKY_GAIN, LEAKY_SLOPE, FullyConnectedLayer
from mia_demo.models.resampling import (
    deal_out,
    resample_filter,
    upsample_image,
    upsampling_weight,
)

Features = tuple[Tensor, Tensor]  # maps [B, C, r, r] after a block, and the picture so far


def clamped(x: Tensor, limit: float | None) -> Tensor:
    """Activations cut off at +-limit, as in networks that were trained in float16."""
    return x if limit is None else x.clamp(-limit, limit)


class MappingNetwork(nn.Module):
    """z ~ N(0, I) [B, z_dim] -> w [B, num_ws, w_dim]."""

    w_avg: Tensor

    def __init__(self, z_dim: int, w_dim: int, num_ws: int, num_layers: int = 8) -> None:
        super().__init__()
        self.num_ws = num_ws
        self.num_layers = num_layers
        for index in range(num_layers):
            layer = FullyConnectedLayer(
                z_dim if index == 0 else w_dim, w_dim, activates=True, lr_multiplier=0.01
            )
            setattr(self, f"fc{index}", layer)
        self.register_buffer("w_avg", torch.zeros(w_dim))

    def forward(self, z: Tensor, truncation_psi: float = 1.0) -> Tensor:
        """Maps z to one w per layer; ``truncation_psi`` 1 keeps it, 0 gives the mean face."""
        # Always in float32: w is what attacks optimise, and this network costs next to nothing.
        with torch.autocast(z.device.type, enabled=False):
            x = z.float()
            x = x * (x.square().mean(dim=1, keepdim=True) + 1e-8).rsqrt()
            for index in range(self.num_layers):
                x = getattr(self, f"fc{index}")(x)
            ws = x.unsqueeze(1).repeat(1, self.num_ws, 1)
            if truncation_psi != 1:
                ws = self.w_avg.lerp(ws, truncation_psi)
        return ws


class SynthesisLayer(nn.Module):
    """Modulated 3x3 convolution (optionally upsampling by 2), noise, bias, leaky ReLU."""

    resample_filter: Tensor
    noise_const: Tensor

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        w_dim: int,
        resolution: int,
        *,
        up: bool,
        clamp: float | None,
    ) -> None:
        super().__init__()
        self.up = up
        self.clamp = clamp
        self.affine = FullyConnectedLayer(w_dim, in_channels, bias_init=1)
        self.weight = nn.Parameter(torch.randn(out_channels, in_channels, 3, 3))
        self.bias = nn.Parameter(torch.zeros(out_channels))
        self.noise_strength = nn.Parameter(torch.zeros([]))
        self.register_buffer("noise_const", torch.randn(resolution, resolution))
        self.register_buffer("resample_filter", resample_filter())

    def forward(self, x: Tensor, w: Tensor, noise: bool) -> Tensor:
        styles = self.affine(w)
        kernel: Tensor = self.weight
        if self.up:
            kernel = upsampling_weight(kernel, self.resample_filter)
        energy = self.weight.square().sum(dim=[2, 3])
        # Demodulation (Eq. 3): each output map of each sample gets unit expected variance.
        demodulation = (F.linear(styles.square(), energy) + 1e-8).rsqrt()
        x = F.conv2d(x * styles[:, :, None, None].to(x.dtype), kernel, padding=1)
        if self.up:
            x = deal_out(x)
        # sqrt(2) of the activation is folded into the factors: lrelu(g x) = g lrelu(x), g > 0.
        factor = (demodulation * LEAKY_GAIN)[:, :, None, None].to(x.dtype)
        offset = (self.bias * LEAKY_GAIN)[None, :, None, None]
        if noise:
            offset = offset + self.noise_const * (self.noise_strength * LEAKY_GAIN)
        # The first operand's memory layout decides that of the result.
        offset = offset.to(x.dtype).contiguous(memory_format=torch.channels_last)
        x = torch.addcmul(offset, x, factor)
        return clamped(F.leaky_relu(x, LEAKY_SLOPE, inplace=True), self.clamp)


class ToRGBLayer(nn.Module):
    """Modulated 1x1 convolution to RGB, without demodulation."""

    def __init__(self, in_channels: int, w_dim: int, clamp: float | None) -> None:
        super().__init__()
        self.clamp = clamp
        self.affine = FullyConnectedLayer(w_dim, in_channels, bias_init=1)
        self.weight = nn.Parameter(torch.randn(3, in_channels, 1, 1))
        self.bias = nn.Parameter(torch.zeros(3))
        self.weight_gain = 1 / math.sqrt(in_channels)

    def forward(self, x: Tensor, w: Tensor) -> Tensor:
        styles = self.affine(w) * self.weight_gain
        x = F.conv2d(x * styles[:, :, None, None].to(x.dtype), self.weight, self.bias)
        return clamped(x, self.clamp)


class SynthesisBlock(nn.Module):
    """One resolution: [upsampling conv0,] conv1, and its contribution to the RGB skip output."""

    resample_filter: Tensor

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        w_dim: int,
        resolution: int,
        clamp: float | None,
    ) -> None:
        super().__init__()
        sizes = (out_channels, w_dim, resolution)
        self.first = in_channels == 0
        if self.first:
            self.const = nn.Parameter(torch.randn(out_channels, resolution, resolution))
        else:
            self.conv0 = SynthesisLayer(in_channels, *sizes, up=True, clamp=clamp)
        self.conv1 = SynthesisLayer(out_channels, *sizes, up=False, clamp=clamp)
        self.torgb = ToRGBLayer(out_channels, w_dim, clamp)
        self.register_buffer("resample_filter", resample_filter())
        self.num_conv = 1 if self.first else 2

    def forward(
        self, x: Tensor | None, image: Tensor | None, ws: Tensor, noise: bool
    ) -> tuple[Tensor, Tensor]:
        """ws: [B, num_conv + 1, w_dim]; the last one drives torgb."""
        if x is None:
            x = self.const[None].repeat(len(ws), 1, 1, 1)
            x = x.contiguous(memory_format=torch.channels_last)
        else:
            x = self.conv0(x, ws[:, 0], noise)
        x = self.conv1(x, ws[:, self.num_conv - 1], noise)
        rgb = self.torgb(x, ws[:, self.num_conv]).float()
        if image is not None:
            rgb = rgb + upsample_image(image, self.resample_filter)
        return x, rgb


def channels_at(resolution: int, channel_base: int, channel_max: int) -> int:
    """Feature maps at a resolution: ``min(channel_base / resolution, channel_max)``."""
    return min(channel_base // resolution, channel_max)


class SynthesisNetwork(nn.Module):
    """ws [B, num_ws, w_dim] -> image [B, 3, R, R], range about [-1, 1] (not clipped)."""

    def __init__(
        self,
        w_dim: int,
        resolution: int,
        channel_base: int,
        channel_max: int,
        conv_clamp: float | None,
    ) -> None:
        super().__init__()
        if resolution < 8 or resolution & (resolution - 1):
            raise ValueError(f"resolution must be a power of two from 8, not {resolution}")
        self.resolutions = [2**power for power in range(2, resolution.bit_length())]
        self.num_ws = 2 * len(self.resolutions)
        for size in self.resolutions:
            in_channels = 0 if size == 4 else channels_at(size // 2, channel_base, channel_max)
            out_channels = channels_at(size, channel_base, channel_max)
            block = SynthesisBlock(in_channels, out_channels, w_dim, size, conv_clamp)
            setattr(self, f"b{size}", block)

    def forward(self, ws: Tensor, noise: bool = True) -> Tensor:
        _, image = self.through(ws, range(len(self.resolutions)), noise=noise)
        return image

    def through(
        self,
        ws: Tensor,
        blocks: range,
        features: Features | None = None,
        noise: bool = True,
    ) -> Features:
        """What ``blocks`` make of the features after the block before them."""
        x, image = features or (None, None)
        index = 0
        for number, size in enumerate(self.resolutions):
            block: SynthesisBlock = getattr(self, f"b{size}")
            if number in blocks:
                x, image = block(x, image, ws[:, index : index + block.num_conv + 1], noise)
            index += block.num_conv
        assert x is not None
        assert image is not None
        return x, image


class Generator(nn.Module):
    """StyleGAN2 generator in the ADA key layout.

    Args:
        z_dim, w_dim: widths of latent and style.
        resolution: output size in pixels, a power of two.
        channel_base, channel_max: feature maps at size r are min(channel_base / r, channel_max).
        mapping_layers: fully connected layers from latent to style.
        conv_clamp: activations are cut off at plus and minus this much; None = never.
    """

    def __init__(
        self,
        *,
        z_dim: int = 512,
        w_dim: int = 512,
        resolution: int = 64,
        channel_base: int = 32768,
        channel_max: int = 512,
        mapping_layers: int = 8,
        conv_clamp: float | None = None,
    ) -> None:
        super().__init__()
        self.z_dim = z_dim
        self.w_dim = w_dim
        self.resolution = resolution
        self.synthesis = SynthesisNetwork(w_dim, resolution, channel_base, channel_max, conv_clamp)
        self.num_ws = self.synthesis.num_ws
        self.mapping = MappingNetwork(z_dim, w_dim, self.num_ws, mapping_layers)

    def synthesize(self, w: Tensor, noise: bool = True) -> Tensor:
        """Images from one style per picture (single_w): w [B, w_dim] -> [B, 3, R, R]."""
        return self.synthesis(w.unsqueeze(1).expand(-1, self.num_ws, -1), noise)

    def forward(self, z: Tensor, truncation_psi: float = 1.0) -> Tensor:
        return self.synthesis(self.mapping(z, truncation_psi))
