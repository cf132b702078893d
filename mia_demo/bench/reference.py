"""The optimisation loop of the paper's reference code, written anew as it computes.

Per step: synthesis with modulated convolutions in the "fused" form of StyleGAN2-ADA (every picture
has kernels of its own, so the batch becomes the groups of one grouped convolution; upsampling is a
transposed convolution and then ``upfirdn`` as a separate step; noise, bias and activation one after
the other), the crops, the target, the loss, Adam. Everything is in float32, the whole batch goes
through at once, and the target's weights require gradients as they do there, while the generator's
do not. Pictures equal those of ``Generator`` up to rounding.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from mia_demo.attack.config import AttackConfig
from mia_demo.attack.framing import Framing
from mia_demo.attack.losses import LOSSES
from mia_demo.models.classifiers import Classifier
from mia_demo.models.equalised import LEAKY_GAIN, LEAKY_SLOPE
from mia_demo.models.stylegan2 import Generator, SynthesisBlock, SynthesisLayer, ToRGBLayer, clamped
from mia_demo.training.state import step_generator


def upfirdn(x: Tensor, taps: Tensor, up: int, padding: tuple[int, int], gain: float) -> Tensor:
    """Zero insertion by ``up``, padding (before, after) on both axes, filter: [B, C, H, W]."""
    batch, channels, height, width = x.shape
    x = x.reshape(batch, channels, height, 1, width, 1)
    x = F.pad(x, [0, up - 1, 0, 0, 0, up - 1])
    x = F.pad(x.reshape(batch, channels, height * up, width * up), padding * 2)
    kernel = (taps * gain).flip([0, 1])[None, None].repeat(channels, 1, 1, 1)
    return F.conv2d(x, kernel, groups=channels)


def modulated_convolution(
    x: Tensor, weight: Tensor, styles: Tensor, *, demodulate: bool, blur: Tensor | None = None
) -> Tensor:
    """Eq. 1-3 of the StyleGAN2 paper with one kernel per picture.

    Args:
        x: [B, in, H, W].
        weight: [out, in, k, k].
        styles: [B, in].
        blur: [4, 4] where the convolution upsamples by 2.
    """
    batch = len(x)
    out_channels, in_channels, size, _ = weight.shape
    kernels = weight[None] * styles[:, None, :, None, None]
    if demodulate:
        kernels = kernels * (kernels.square().sum(dim=[2, 3, 4], keepdim=True) + 1e-8).rsqrt()
    x = x.reshape(1, batch * in_channels, *x.shape[2:])
    if blur is None:
        kernels = kernels.reshape(batch * out_channels, in_channels, size, size)
        x = F.conv2d(x, kernels, padding=size // 2, groups=batch)
    else:
        kernels = kernels.transpose(1, 2).reshape(batch * in_channels, out_channels, size, size)
        x = F.conv_transpose2d(x, kernels, stride=2, groups=batch)
        x = upfirdn(x, blur, up=1, padding=(1, 1), gain=4)
    return x.reshape(batch, out_channels, *x.shape[2:])


def _layer(layer: SynthesisLayer, x: Tensor, w: Tensor) -> Tensor:
    blur = layer.resample_filter if layer.up else None
    x = modulated_convolution(x, layer.weight, layer.affine(w), demodulate=True, blur=blur)
    x = x + layer.noise_const * layer.noise_strength
    x = x + layer.bias[None, :, None, None]
    return clamped(F.leaky_relu(x, LEAKY_SLOPE) * LEAKY_GAIN, layer.clamp)


def _to_rgb(layer: ToRGBLayer, x: Tensor, w: Tensor) -> Tensor:
    styles = layer.affine(w) * layer.weight_gain
    x = modulated_convolution(x, layer.weight, styles, demodulate=False)
    return clamped(x + layer.bias[None, :, None, None], layer.clamp)


def reference_images(generator: Generator, w: Tensor) -> Tensor:
    """Images [B, 3, R, R] from one style per picture: w [B, w_dim]."""
    synthesis = generator.synthesis
    first: SynthesisBlock = getattr(synthesis, f"b{synthesis.resolutions[0]}")
    x = first.const[None].repeat(len(w), 1, 1, 1)
    x = _layer(first.conv1, x, w)
    image = _to_rgb(first.torgb, x, w)
    for size in synthesis.resolutions[1:]:
        block: SynthesisBlock = getattr(synthesis, f"b{size}")
        x = _layer(block.conv1, _layer(block.conv0, x, w), w)
        image = upfirdn(image, block.resample_filter, up=2, padding=(2, 1), gain=4)
        image = image + _to_rgb(block.torgb, x, w)
    return image


def _crop(images: Tensor, smallest: float, rng: torch.Generator) -> Tensor:
    """One square crop for the batch, of this area or more, resized back (antialiased)."""
    side = images.shape[-1]
    area, x, y = torch.rand(3, generator=rng).tolist()
    length = round(side * (smallest + (1 - smallest) * area) ** 0.5)
    left, top = round(x * (side - length)), round(y * (side - length))
    crop = images[..., top : top + length, left : left + length]
    return F.interpolate(
        crop, size=(side, side), mode="bilinear", antialias=True, align_corners=False
    )


class ReferenceLoop:
    """Candidates against one target; ``step`` is one update of all of them.

    Args:
        generator: frozen, default memory layout, float32.
        target: in evaluation mode; its weights are set to require gradients.
        start: [K, w_dim], the candidates' first styles.
    """

    def __init__(
        self,
        generator: Generator,
        target: Classifier,
        start: Tensor,
        config: AttackConfig,
        framing: Framing,
    ) -> None:
        self.generator = generator
        self.target = target.requires_grad_(True)
        self.config = config
        self.framing = framing
        self.w = start.clone().requires_grad_(True)
        betas = (config.adam_beta, config.adam_beta)
        self.optimizer = torch.optim.Adam([self.w], lr=config.learning_rate, betas=betas)

    def step(self, step: int) -> Tensor:
        """The step's pictures, not clipped: [K, 3, R, R]."""
        config = self.config
        images = reference_images(self.generator, self.w)
        seen = self.framing.view(images, self.target.input_size)
        views = _crop(seen, config.crop_scale, step_generator(0, step))
        logits = self.target(views)
        loss = LOSSES[config.loss](logits, config.identity).mean()
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return images.detach()
