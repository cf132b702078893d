"""The 4x4 low-pass filter of StyleGAN2 and the operators made of it.

A stride-2 transposed convolution followed by the blur is itself one linear operator: a convolution
with four times the output channels, then dealt out to 2x2 pixels.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

RESAMPLE_TAPS = (1.0, 3.0, 3.0, 1.0)


def resample_filter() -> Tensor:
    """The separable 4x4 low-pass filter [1, 3, 3, 1], normalised to sum 1."""
    taps = torch.tensor(RESAMPLE_TAPS, device="cpu")
    kernel = torch.outer(taps, taps)
    return kernel / kernel.sum()


def blur_weight(weight: Tensor, blur: Tensor) -> Tensor:
    """Full 2-D convolution of every [k, k] kernel of ``weight`` with the 4x4 ``blur``.

    Args:
        weight: [out, in, k, k].
        blur: [4, 4].

    Returns:
        [out, in, k + 3, k + 3]: applying it once equals applying ``weight``, then ``blur``.
    """
    size = weight.shape[-1]
    full = size + blur.shape[0] - 1
    # The map from k x k to (k+3) x (k+3) numbers is linear: write it as one small matrix, because
    # a matrix product is far quicker than convolving thousands of tiny kernels.
    units = torch.eye(size * size, device=weight.device).reshape(-1, 1, size, size)
    shifted = F.conv2d(units, blur.flip([0, 1])[None, None].float(), padding=blur.shape[0] - 1)
    matrix = shifted.reshape(size * size, full * full).to(weight.dtype)
    return (weight.flatten(2) @ matrix).unflatten(2, (full, full))


def upsampling_weight(weight: Tensor, blur: Tensor) -> Tensor:
    """The 3x3 weight with 4 x out channels that upsamples by 2 before ``deal_out``.

    With k the 6x6 kernel "``weight`` then blur", output pixel (2m + phase) is
    sum_d x[m + d] k[2 + phase - 2d], d in {-1, 0, 1}: four ordinary convolutions, one per phase.
    """
    out_channels, in_channels = weight.shape[:2]
    kernel = blur_weight(weight, blur * 4)
    # kernel index 4 + phase - 2 * tap: split 6 = 3 taps x 2 phases, taps run backwards.
    phases = kernel.reshape(out_channels, in_channels, 3, 2, 3, 2).flip([2, 4])
    phases = phases.permute(3, 5, 0, 1, 2, 4)
    return phases.reshape(4 * out_channels, in_channels, 3, 3)


def deal_out(x: Tensor) -> Tensor:
    """[B, 4C, H, W] -> [B, C, 2H, 2W]; channels are ordered (row, column, C) of each 2x2 square.

    A pixel shuffle with another order of channels: in channels-last memory it moves whole rows of
    C numbers, which is five times as fast.
    """
    batch, channels, height, width = x.shape
    squares = x.permute(0, 2, 3, 1).reshape(batch, height, width, 2, 2, channels // 4)
    rows = squares.permute(0, 1, 3, 2, 4, 5).reshape(batch, 2 * height, 2 * width, channels // 4)
    return rows.permute(0, 3, 1, 2)


def upsample_image(image: Tensor, blur: Tensor) -> Tensor:
    """Doubles the size of [B, C, H, W] with the blur filter (zero insertion, then filter)."""
    channels = image.shape[1]
    taps = (blur * 4).to(image.dtype)[None, None].repeat(channels, 1, 1, 1)
    return F.conv_transpose2d(image, taps, stride=2, padding=1, groups=channels)
