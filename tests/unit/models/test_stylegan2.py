"""The generator against vectors of the official StyleGAN2-ADA implementation."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import load_file

from mia_demo.models.encoder import ConvLayer, Encoder
from mia_demo.models.resampling import blur_weight, deal_out, resample_filter, upsampling_weight
from mia_demo.models.stylegan2 import Generator

GOLDEN = Path(__file__).parents[1] / "golden" / "stylegan2_ada_32px.safetensors"


@pytest.fixture(scope="module")
def golden() -> dict[str, torch.Tensor]:
    return load_file(GOLDEN)


@pytest.fixture(scope="module")
def generator(golden: dict[str, torch.Tensor]) -> Generator:
    network = Generator(z_dim=32, w_dim=32, resolution=32, channel_base=512, channel_max=32)
    state = {key[6:]: value for key, value in golden.items() if key.startswith("state.")}
    network.load_state_dict(state, strict=True)
    return network


def _error(got: torch.Tensor, want: torch.Tensor) -> float:
    return (got - want).abs().max().item()


def test_styles_agree_with_the_official_code(generator, golden) -> None:
    assert _error(generator.mapping(golden["in.z"]), golden["out.w"]) < 1e-4
    truncated = generator.mapping(golden["in.z"], 0.5)
    assert _error(truncated[:, :4], golden["out.w_psi0.5_cutoff4"][:, :4]) < 1e-4


def test_images_agree_with_the_official_code(generator, golden) -> None:
    images = generator.synthesis(golden["out.w_psi0.5_cutoff4"])
    assert _error(images, golden["out.image_const_noise"]) < 1e-4
    assert (
        _error(generator.synthesis(golden["out.w"], noise=False), golden["out.image_no_noise"])
        < 1e-4
    )


def test_gradient_of_one_shared_style_agrees_with_the_official_code(generator, golden) -> None:
    style = golden["out.w_psi0.5_cutoff4"][:, 0].clone().requires_grad_(True)
    generator.synthesize(style).square().mean().backward()
    assert style.grad is not None
    assert _error(style.grad[:, None], golden["out.grad_single_w"]) < 1e-4


def test_full_size_layout_has_the_official_counts() -> None:
    with torch.device("meta"):
        network = Generator(resolution=1024)
    assert len(network.state_dict()) == 182
    assert sum(p.numel() for p in network.parameters()) == 30_370_060
    assert network.num_ws == 18


def test_merged_upsampling_equals_transposed_convolution_then_blur() -> None:
    torch.manual_seed(0)
    x, weight, blur = torch.randn(2, 3, 5, 5), torch.randn(4, 3, 3, 3), resample_filter()
    merged = deal_out(F.conv2d(x, upsampling_weight(weight, blur), padding=1))
    up = F.conv_transpose2d(x, weight.transpose(0, 1), stride=2)
    separate = F.conv2d(up, (4 * blur).expand(4, 1, 4, 4), padding=1, groups=4)
    torch.testing.assert_close(merged, separate, atol=1e-5, rtol=1e-5)


def test_merged_downsampling_equals_blur_then_strided_convolution() -> None:
    torch.manual_seed(0)
    layer = ConvLayer(3, 4, 3, activate=False, down=True)
    x = torch.randn(2, 3, 8, 8)
    blurred = F.conv2d(F.pad(x, (2, 2, 2, 2)), layer.resample_filter.expand(3, 1, 4, 4), groups=3)
    want = F.conv2d(blurred, layer.weight * layer.weight_gain, stride=2)
    torch.testing.assert_close(layer(x), want, atol=1e-5, rtol=1e-5)


def test_blurred_kernels_keep_their_sum() -> None:
    weight = torch.randn(2, 3, 3, 3)
    sums = blur_weight(weight, resample_filter()).sum(dim=(2, 3))
    torch.testing.assert_close(sums, weight.sum(dim=(2, 3)))


def test_the_encoder_reads_each_picture_into_one_style() -> None:
    network = Encoder(resolution=16, w_dim=6, channel_base=128, channel_max=16)
    images = torch.randn(8, 3, 16, 16)
    styles = network(images)
    assert styles.shape == (8, 6)
    torch.testing.assert_close(network(images[2:3]), styles[2:3], atol=1e-5, rtol=1e-4)


def test_a_frozen_generator_follows_new_weights() -> None:
    torch.manual_seed(0)
    frozen, other = (
        Generator(z_dim=8, w_dim=8, resolution=16, channel_base=128).requires_grad_(False)
        for _ in range(2)
    )
    w = torch.randn(2, 8)
    before = frozen.synthesize(w)
    torch.testing.assert_close(frozen.synthesize(w), before)  # by the kept kernels
    trainable = Generator(z_dim=8, w_dim=8, resolution=16, channel_base=128)
    trainable.load_state_dict(frozen.state_dict())
    torch.testing.assert_close(trainable.synthesize(w).detach(), before)
    frozen.load_state_dict(other.state_dict())
    torch.testing.assert_close(frozen.synthesize(w), other.synthesize(w))
