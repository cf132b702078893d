"""What classifiers see of a prior's picture."""

from __future__ import annotations

import torch
from torchvision.transforms import v2

from mia_demo.attack.framing import Framing


def test_the_papers_crop_and_resize() -> None:
    image = torch.rand(1, 3, 1024, 1024, generator=torch.Generator().manual_seed(0))
    expected = v2.Resize(224, antialias=True)(v2.CenterCrop(800)(image))
    framing = Framing(800)
    torch.testing.assert_close(framing.view(image, 224), expected)
    assert framing.picture(image).shape == (1, 3, 299, 299)


def test_without_margin_a_picture_of_the_right_size_is_taken_as_it_is() -> None:
    image = torch.rand(1, 3, 64, 64)
    assert Framing(64).view(image, 64) is image
    assert torch.equal(Framing(64).picture(image), image)


def test_small_networks_see_an_even_crop_of_an_odd_margin() -> None:
    image = torch.arange(16.0).reshape(1, 1, 4, 4).expand(1, 3, 4, 4)
    assert Framing(2).view(image, 2)[0, 0].tolist() == [[5.0, 6.0], [9.0, 10.0]]
