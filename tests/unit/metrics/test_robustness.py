"""Adversarial accuracy, on a classifier whose answers can be computed by hand."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from mia_demo.metrics.robustness import perturbed, robust_accuracies
from mia_demo.models.classifiers import Classifier
from mia_demo.training.classifier import LabelledImages


class Brightness(nn.Module):
    """Two logits, ± the mean of the picture: the label is its sign."""

    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(1, 2, bias=False)
        nn.init.constant_(self.fc.weight[0], 20.0)
        nn.init.constant_(self.fc.weight[1], -20.0)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.fc(x.mean(dim=(1, 2, 3))[:, None])


@pytest.fixture
def bright() -> Classifier:
    return Classifier(Brightness().requires_grad_(False), 2, 8).eval()


def test_pictures_fall_as_soon_as_epsilon_reaches_their_margin(bright, compute) -> None:
    greys = torch.tensor([130, 135, 150, 122, 115, 100], dtype=torch.uint8)  # 127.5 is the border
    images = greys[:, None, None, None].expand(6, 3, 8, 8).contiguous()
    data = LabelledImages(images, torch.tensor([0, 0, 0, 1, 1, 1]))
    margins = (greys.float() / 127.5 - 1).abs().sort().values.tolist()
    epsilons = [0.0, *(margin + 1e-3 for margin in margins)]
    expected = [(6 - fallen) / 6 for fallen in range(7)]
    found = robust_accuracies(bright, data, compute, epsilons)
    assert found["fgsm"] == pytest.approx(expected)
    assert found["pgd"] == pytest.approx(expected)


@pytest.mark.parametrize("steps", [1, 10])
def test_changes_stay_within_epsilon_and_within_pictures(bright, steps: int) -> None:
    images = torch.rand(4, 3, 8, 8) * 2 - 1
    images[0] = 1.0
    moved = perturbed(bright, images, torch.tensor([1, 1, 0, 0]), 0.3, steps)
    assert (moved - images).abs().max() <= 0.3 + 1e-6
    assert moved.abs().max() <= 1
    assert torch.equal(moved[0], images[0])  # brighter than white is not a picture
