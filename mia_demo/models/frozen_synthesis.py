"""The synthesis of a frozen generator, one style per picture, with its gradient written out.

The same function as ``SynthesisNetwork`` for the work of an attack: weights that never change, a
style that every layer shares, a gradient by the style alone. A CPU spends a third of that work on
passes over feature maps around the convolutions, so as many of them as possible are rewritten into
small matrices:

* Demodulation is a positive factor d per picture and map, and leaky ReLU lets positive factors
  through: lrelu(d y + b) = d h with h = lrelu(y + b / d). Feature maps stay h, and the next
  layer's modulation by its styles s becomes one multiplication by d s.
* Convolution to RGB has three outputs, so its 1x1 weights are modulated, not the maps.
* The first layer sees a constant: its 3x3 convolution is one matrix product with the styles.
* Upsampling is a transposed convolution (nine taps) and then the 4x4 blur map by map, or both
  merged into one convolution of 36 taps, whichever the device does faster.

The gradient needs h alone, one tensor per layer.
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from mia_demo.models.equalised import LEAKY_GAIN, LEAKY_SLOPE
from mia_demo.models.frozen_convolutions import (
    Convolution,
    FirstConvolution,
    FrozenConvolution,
    MergedConvolution,
    TransposedConvolution,
    maps_of,
    rows_of,
)
from mia_demo.models.stylegan2 import SynthesisLayer, SynthesisNetwork


def doubling_matrix(side: int, blur: Tensor) -> Tensor:
    """[2 side, side]: along one axis, what ``upsample_image`` does to a picture."""
    # The 4x4 filter is separable: its rows' sums are the one-dimensional taps.
    taps = blur.sum(dim=1) * 2
    units = torch.eye(side, device=blur.device)[:, None]
    return F.conv_transpose1d(units, taps[None, None], stride=2, padding=1)[:, 0].T.contiguous()


class _Layer:
    """One modulated convolution, apart from the modulation itself.

    Attributes:
        step: the convolution.
        energy: [out, in], squared norms of the weights.
        bias: [out], times the activation's gain.
        basis: [H * W, 1 or 2], what offsets multiply: ones, and noise where the layer has any.
        limit: of activations; None = there is none.
    """

    def __init__(self, layer: SynthesisLayer, step: FrozenConvolution, dtype: torch.dtype) -> None:
        self.step = step
        self.energy = layer.weight.detach().square().sum(dim=[2, 3])
        self.bias = layer.bias.detach() * LEAKY_GAIN
        self.limit = layer.clamp
        noise = (layer.noise_const * (layer.noise_strength * LEAKY_GAIN)).detach().flatten()
        columns = [torch.ones_like(noise), noise]
        self.basis = torch.stack(columns if noise.any() else columns[:1], dim=1).to(dtype)

    def activate(self, y: Tensor, offset: Tensor) -> Tensor:
        """Adds the offset [B, 2, out] and applies leaky ReLU, in place."""
        rows = rows_of(y)
        rows.baddbmm_(self.basis.expand(len(y), -1, -1), offset[:, : self.basis.shape[1]])
        return F.leaky_relu_(maps_of(rows, y.shape[2]), LEAKY_SLOPE)

    def offset_gradient(self, g: Tensor) -> Tensor:
        """[B, 2, out] from the gradient by what ``activate`` adds to."""
        rows = torch.bmm(self.basis.T.expand(len(g), -1, -1), rows_of(g))
        return F.pad(rows, (0, 0, 0, 2 - rows.shape[1]))


class LimitReachedError(Exception):
    """An activation reached the limit of its network, which no factor may pass."""


class FrozenSynthesis:
    """w [B, w_dim] -> images [B, 3, R, R], float32; differentiable by w.

    Args:
        synthesis: keeps its weights; a change of them calls for another ``FrozenSynthesis``.
        dtype: of convolutions and feature maps.
        transpose: upsample by a transposed convolution and a blur, not by both merged into one.
    """

    def __init__(self, synthesis: SynthesisNetwork, dtype: torch.dtype, *, transpose: bool) -> None:
        self.dtype = dtype
        self.layers: list[_Layer] = []
        self.doubling: list[Tensor] = []
        convolutions, colours = [], []
        upsampling = TransposedConvolution if transpose else MergedConvolution
        for size in synthesis.resolutions:
            block = getattr(synthesis, f"b{size}")
            step: FrozenConvolution
            if block.first:
                step = FirstConvolution(block.const, block.conv1, dtype)
            else:
                step = Convolution(block.conv1, dtype)
                self.layers.append(_Layer(block.conv0, upsampling(block.conv0, dtype), dtype))
                self.doubling.append(doubling_matrix(size // 2, block.resample_filter))
                convolutions.append(block.conv0)
            self.layers.append(_Layer(block.conv1, step, dtype))
            convolutions.append(block.conv1)
            colours.append(block.torgb)
        self.kernels = [
            (rgb.weight.detach() * rgb.weight_gain).flatten(1).to(dtype) for rgb in colours
        ]
        self.colour_bias = [rgb.bias.detach()[:, None, None] for rgb in colours]
        # All layers follow one style, so their affine maps are one: convolutions, then colours.
        affine = [layer.affine for layer in (*convolutions, *colours)]
        self.affine = torch.cat([layer.weight.detach() * layer.weight_gain for layer in affine])
        self.affine_bias = torch.cat([layer.bias.detach() * layer.bias_gain for layer in affine])
        self.widths = [len(layer.bias) for layer in affine]
        self.outputs = [len(layer.bias) for layer in self.layers]
        self.bias = torch.cat([layer.bias for layer in self.layers])
        # By style, from the second layer on: the index of its input's demodulation factor.
        places = torch.arange(sum(self.outputs), device=self.bias.device).split(self.outputs)
        self.factor_of = torch.cat([*places[:-1], *places[::2]])

    @property
    def is_limited(self) -> bool:
        """Whether activations are compared with a limit, which waits for the device."""
        return any(layer.limit is not None for layer in self.layers)

    def __call__(self, w: Tensor) -> Tensor:
        """
        Raises:
            LimitReachedError: use the network itself.
        """
        styles = F.linear(w, self.affine, self.affine_bias)
        squares = styles.square().split(self.widths, dim=1)
        energies = [
            F.linear(x, layer.energy) for x, layer in zip(squares, self.layers, strict=False)
        ]
        # Demodulation (Eq. 3) and the activation's gain: [B, outputs of all layers], above 0.
        factors = (torch.cat(energies, dim=1) + 1e-8).rsqrt() * LEAKY_GAIN
        first, others = styles.split([self.widths[0], sum(self.widths[1:])], dim=1)
        parts = [
            first,
            others * factors[:, self.factor_of],
            torch.stack([self.bias / factors, factors.reciprocal()], dim=1),
        ]
        keep = torch.is_grad_enabled() and w.requires_grad
        images: Tensor = _Synthesis.apply(
            self, keep, factors.detach(), *(part.to(self.dtype) for part in parts)
        )
        return images


class _Synthesis(torch.autograd.Function):
    """Feature maps and pictures from what belongs to each picture.

    Arguments: the first layer's styles [B, in]; the scales of all other inputs, convolutions'
    before colours' [B, sum of in]; the offsets of all layers [B, 2, sum of out].
    """

    @staticmethod
    def forward(
        ctx: Any,
        plan: FrozenSynthesis,
        keep: bool,
        factors: Tensor,
        *parts: Tensor,
    ) -> Tensor:
        first, scales, offsets = parts
        count = len(plan.layers)
        scale_of = scales.split(plan.widths[1:], dim=1)
        offset_of = offsets.split(plan.outputs, dim=2)
        maps: list[Tensor] = []
        x: Tensor | None = None
        image: Tensor | None = None
        for number, layer in enumerate(plan.layers):
            if x is None:
                x = layer.step.forward(first)
            else:
                x = layer.step.forward(x * scale_of[number - 1][:, :, None, None])
            x = layer.activate(x, offset_of[number])
            if layer.limit is not None:
                _check_limit(x, factors.split(plan.outputs, dim=1)[number], layer.limit)
            if keep:
                maps.append(x)
            block = number // 2
            if number % 2 == 0:  # a block's last layer
                kernel = plan.kernels[block] * scale_of[count - 1 + block][:, None]
                rgb = torch.bmm(kernel, rows_of(x).transpose(1, 2)).float()
                rgb = rgb.unflatten(2, x.shape[2:]) + plan.colour_bias[block]
                if image is not None:
                    doubling = plan.doubling[block - 1]
                    rgb += doubling @ image @ doubling.T
                image = rgb
        assert image is not None
        if keep:
            ctx.save_for_backward(scales)
            # Not saved by autograd: the backward pass frees each map once used.
            ctx.plan, ctx.maps = plan, maps
        return image

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, g_image: Tensor) -> tuple[Any, ...]:
        plan: FrozenSynthesis = ctx.plan
        (scales,) = ctx.saved_tensors
        maps: list[Tensor] = ctx.maps
        count = len(maps)
        scale_of = scales.split(plan.widths[1:], dim=1)
        g_scales: list[Tensor] = [scales] * len(scale_of)
        g_offsets: list[Tensor] = [scales] * count
        g: Tensor | None = None  # by the maps
        for number in reversed(range(count)):
            layer, x = plan.layers[number], maps.pop()
            block = number // 2
            if number % 2 == 0:
                colour = count - 1 + block
                g_rgb = g_image.to(plan.dtype).flatten(2)
                kernel = plan.kernels[block] * scale_of[colour][:, None]
                g_scales[colour] = (torch.bmm(g_rgb, rows_of(x)) * plan.kernels[block]).sum(dim=1)
                if g is None:
                    g = maps_of(torch.bmm(g_rgb.transpose(1, 2), kernel), x.shape[2])
                else:
                    g = maps_of(rows_of(g).baddbmm_(g_rgb.transpose(1, 2), kernel), x.shape[2])
                if block:
                    doubling = plan.doubling[block - 1]
                    g_image = doubling.T @ g_image @ doubling
            assert g is not None
            torch.ops.aten.leaky_relu_backward.grad_input(g, x, LEAKY_SLOPE, True, grad_input=g)
            del x
            g_offsets[number] = layer.offset_gradient(g)
            g = layer.step.backward(g)
            if number:
                g_scales[number - 1] = (g * maps[number - 1]).sum(dim=(2, 3))
                g *= scale_of[number - 1][:, :, None, None]
        return None, None, None, g, torch.cat(g_scales, dim=1), torch.cat(g_offsets, dim=2)


def _check_limit(x: Tensor, factors: Tensor, limit: float) -> None:
    """Compares maps [B, C, H, W] times ``factors`` [B, C] with ``limit``."""
    largest = torch.maximum(x.amax(dim=(2, 3)), -x.amin(dim=(2, 3)))
    if bool((largest * factors >= limit).any()):
        raise LimitReachedError
