"""Batched transforms do what torchvision's do, image by image."""

from __future__ import annotations

import pytest
import torch
import torchvision.transforms.functional as reference

from mia_demo.data.transforms import (
    AUGMENTATIONS,
    SharedCrop,
    TrainTransform,
    adjust_brightness,
    adjust_contrast,
    adjust_hue,
    adjust_saturation,
    normalise,
    random_resized_crop,
    to_uint8,
)


@pytest.fixture
def images() -> torch.Tensor:
    return torch.rand(5, 3, 12, 12, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize(
    ("ours", "theirs", "values"),
    [
        (adjust_brightness, reference.adjust_brightness, (0.8, 1.0, 1.2)),
        (adjust_contrast, reference.adjust_contrast, (0.8, 1.0, 1.2)),
        (adjust_saturation, reference.adjust_saturation, (0.9, 1.0, 1.1)),
        (adjust_hue, reference.adjust_hue, (-0.1, 0.0, 0.1)),
    ],
)
def test_colour_jitter_equals_torchvision(images, ours, theirs, values) -> None:
    for value in values:
        got = ours(images, torch.full((5, 1, 1, 1), value))
        want = torch.stack([theirs(image, value) for image in images])
        torch.testing.assert_close(got, want, atol=2e-5, rtol=0)


def test_each_image_gets_its_own_crop_or_all_share_one() -> None:
    gradient = torch.linspace(-1, 1, 16).expand(8, 3, 16, 16).contiguous()
    rng = torch.Generator().manual_seed(0)
    own = random_resized_crop(gradient, 16, (0.3, 0.5), rng)
    assert len({tuple(row) for row in own[:, 0, 0].tolist()}) == 8
    shared = SharedCrop.draw(16, (0.3, 0.5), rng)(gradient)
    assert len({tuple(row) for row in shared[:, 0, 0].tolist()}) == 1


@pytest.mark.parametrize("mirror", [True, False])
def test_a_shared_crop_is_each_images_crop(images: torch.Tensor, mirror: bool) -> None:
    draw = {"scale": (0.3, 0.9), "mirror": mirror}
    shared = SharedCrop.draw(12, rng=torch.Generator().manual_seed(3), **draw)
    for image in images:
        own = random_resized_crop(image[None], 12, rng=torch.Generator().manual_seed(3), **draw)
        torch.testing.assert_close(shared(image[None]), own, atol=1e-5, rtol=1e-4)


def test_the_full_area_is_the_picture_itself(images: torch.Tensor) -> None:
    rng = torch.Generator().manual_seed(0)
    torch.testing.assert_close(random_resized_crop(images, 12, (1.0, 1.0), rng), images)


def test_mirroring_turns_about_half_of_the_pictures(images: torch.Tensor) -> None:
    many = images[:1].repeat(200, 1, 1, 1)
    rng = torch.Generator().manual_seed(0)
    out = random_resized_crop(many, 12, (1.0, 1.0), rng, mirror=True)
    mirrored = sum(torch.allclose(image, images[0].flip(2), atol=1e-5) for image in out)
    assert 70 < mirrored < 130


def test_crops_pass_gradients(images: torch.Tensor) -> None:
    images.requires_grad_(True)
    SharedCrop.draw(12, (0.5, 0.9), torch.Generator())(images).sum().backward()
    assert images.grad is not None
    assert images.grad.abs().sum() > 0


def test_training_pipeline_keeps_range_size_and_seed() -> None:
    raw = torch.randint(0, 256, (6, 3, 20, 20), generator=torch.Generator().manual_seed(3))
    transform = TrainTransform(size=16)
    first = transform(raw.to(torch.uint8), torch.Generator().manual_seed(5))
    again = transform(raw.to(torch.uint8), torch.Generator().manual_seed(5))
    assert first.shape == (6, 3, 16, 16)
    assert first.min() >= -1
    assert first.max() <= 1
    assert torch.equal(first, again)


def test_mirroring_alone_leaves_pixels_as_they_are() -> None:
    raw = torch.randint(0, 256, (8, 3, 16, 16), generator=torch.Generator().manual_seed(3))
    out = AUGMENTATIONS["mirror"](16)(raw.to(torch.uint8), torch.Generator().manual_seed(5))
    same = [torch.allclose(o, i, atol=1e-4) for o, i in zip(out, normalise(raw), strict=True)]
    turned = [
        torch.allclose(o, i.flip(2), atol=1e-4) for o, i in zip(out, normalise(raw), strict=True)
    ]
    assert [a or b for a, b in zip(same, turned, strict=True)] == [True] * 8
    assert any(same)
    assert any(turned)


def test_pixel_values_survive_the_round_trip() -> None:
    values = torch.arange(256, dtype=torch.uint8).reshape(1, 1, 16, 16)
    assert torch.equal(to_uint8(normalise(values)), values)
    assert to_uint8(torch.tensor([-7.0, 7.0])).tolist() == [0, 255]
