"""The frozen synthesis against the plain one and against vectors of the official code."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from mia_demo.models.frozen_synthesis import FrozenSynthesis, LimitReachedError, doubling_matrix
from mia_demo.models.resampling import resample_filter, upsample_image
from mia_demo.models.stylegan2 import Generator

GOLDEN = Path(__file__).parents[1] / "golden" / "stylegan2_ada_32px.safetensors"
both_upsamplings = pytest.mark.parametrize("transpose", [True, False])


def noisy_generator(**options: float) -> Generator:
    """Random weights, biases and noise."""
    torch.manual_seed(0)
    generator = Generator(
        z_dim=8, w_dim=8, resolution=16, channel_base=128, channel_max=12, **options
    )
    for name, parameter in generator.named_parameters():
        if name.endswith(("noise_strength", "bias")):
            parameter.data += torch.randn_like(parameter)
    return generator.requires_grad_(False).eval()


def image_and_gradient(synthesise, w: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    w = w.clone().requires_grad_(True)
    image = synthesise(w)
    weights = torch.randn(image.shape, generator=torch.Generator().manual_seed(1))
    return image.detach(), torch.autograd.grad((image * weights).sum(), w)[0]


@both_upsamplings
def test_images_and_gradients_agree_with_the_official_code(transpose: bool) -> None:
    golden = load_file(GOLDEN)
    generator = Generator(z_dim=32, w_dim=32, resolution=32, channel_base=512, channel_max=32)
    state = {key[6:]: value for key, value in golden.items() if key.startswith("state.")}
    generator.load_state_dict(state, strict=True)
    frozen = FrozenSynthesis(generator.synthesis, torch.float32, transpose=transpose)
    w = golden["out.w_psi0.5_cutoff4"][:, 0].clone().requires_grad_(True)
    frozen(w).square().mean().backward()
    assert w.grad is not None
    torch.testing.assert_close(w.grad[:, None], golden["out.grad_single_w"], atol=1e-4, rtol=0)


@both_upsamplings
def test_it_computes_what_the_plain_synthesis_does(transpose: bool) -> None:
    generator = noisy_generator()
    frozen = FrozenSynthesis(generator.synthesis, torch.float32, transpose=transpose)
    w = torch.randn(5, 8)
    image, gradient = image_and_gradient(frozen, w)
    plain_image, plain_gradient = image_and_gradient(generator.synthesize, w)
    torch.testing.assert_close(image, plain_image, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(gradient, plain_gradient, atol=1e-2, rtol=1e-3)


def test_in_bfloat16_it_errs_like_the_plain_synthesis_under_autocast() -> None:
    generator = noisy_generator()
    frozen = FrozenSynthesis(generator.synthesis, torch.bfloat16, transpose=True)
    w = torch.randn(16, 8)
    image, _ = image_and_gradient(frozen, w)
    exact = generator.synthesize(w)
    with torch.autocast("cpu", torch.bfloat16):
        rounded = generator.synthesize(w)
    assert (image - exact).square().mean() < 2 * (rounded - exact).square().mean()


def test_pictures_do_not_mix() -> None:
    frozen = FrozenSynthesis(noisy_generator().synthesis, torch.float32, transpose=True)
    w = torch.randn(3, 8)
    alone = torch.cat([frozen(row[None]) for row in w])
    torch.testing.assert_close(frozen(w), alone, atol=1e-4, rtol=1e-4)


def test_activations_below_the_limit_are_computed_and_others_refused() -> None:
    unlimited = noisy_generator()
    far = noisy_generator(conv_clamp=1e4)
    near = noisy_generator(conv_clamp=0.5)
    w = torch.randn(2, 8)
    frozen = [FrozenSynthesis(g.synthesis, torch.float32, transpose=True) for g in (unlimited, far)]
    assert torch.equal(frozen[0](w), frozen[1](w))
    with pytest.raises(LimitReachedError):
        FrozenSynthesis(near.synthesis, torch.float32, transpose=True)(w)


def test_doubling_by_matrices_is_the_filter() -> None:
    image, blur = torch.randn(2, 3, 8, 8), resample_filter()
    doubling = doubling_matrix(8, blur)
    torch.testing.assert_close(doubling @ image @ doubling.T, upsample_image(image, blur))
