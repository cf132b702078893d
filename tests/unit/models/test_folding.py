"""Folded networks answer as before."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from mia_demo.models.classifiers import Classifier, build_classifier
from mia_demo.models.folding import fold_batch_norms, with_weights_in


def normalisations(classifier: Classifier) -> int:
    return sum(isinstance(module, nn.BatchNorm2d) for module in classifier.modules())


def lived_in(classifier: Classifier) -> Classifier:
    """With statistics and scales as after a training."""
    torch.manual_seed(0)
    for module in classifier.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.normal_()
            module.running_var.uniform_(0.5, 2)
            module.weight.data.normal_(1, 0.2)
            module.bias.data.normal_()
    return classifier.eval()


@pytest.mark.parametrize(
    ("architecture", "size", "left"),
    [("compact_resnet", 64, 0), ("compact_densenet", 64, 28), ("resnet18", 64, 0)],
)
def test_logits_stay(architecture: str, size: int, left: int) -> None:
    plain = lived_in(build_classifier(architecture, 5, size))
    before = normalisations(plain)
    folded = fold_batch_norms(plain)
    images = torch.randn(3, 3, size, size)
    logits = plain(images)
    torch.testing.assert_close(
        folded(images), logits, atol=1e-3 * logits.abs().max().item(), rtol=0
    )
    assert normalisations(folded) == left
    assert normalisations(plain) == before  # the original is left alone
    assert not any(p.requires_grad for p in folded.parameters())
    assert folded.features(images).shape == plain.features(images).shape


class Branching(nn.Module):
    """Looks at values, so that it cannot be traced; its convolution's output has two users."""

    def __init__(self, *, look: bool) -> None:
        super().__init__()
        self.look = look
        self.conv, self.norm, self.fc = nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Linear(4, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if self.look and x.sum() > 1e9:
            return x
        y = self.conv(x)
        return self.fc((y + self.norm(y)).mean(dim=(2, 3)))


@pytest.mark.parametrize("look", [True, False])
def test_what_may_not_be_folded_is_kept(look: bool) -> None:
    plain = lived_in(Classifier(Branching(look=look), 2, 8))
    folded = fold_batch_norms(plain)
    images = torch.randn(2, 3, 8, 8)
    assert normalisations(folded) == 1
    assert torch.equal(folded(images), plain(images))


def test_weights_converted_once_give_the_logits_of_autocast() -> None:
    plain = fold_batch_norms(lived_in(build_classifier("compact_resnet", 5, 64, {"width": 8})))
    converted = with_weights_in(plain, torch.bfloat16)
    images = torch.randn(2, 3, 64, 64)
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(converted(images), plain(images))
    assert with_weights_in(plain, torch.float32) is plain
