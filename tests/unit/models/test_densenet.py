"""The compact DenseNet against torchvision's."""

from __future__ import annotations

import subprocess
import sys

import torch
import torchvision

from mia_demo.models.densenet import CompactDenseNet

TORCHVISION = {"growth_rate": 16, "block_config": (4, 6, 8, 6), "num_init_features": 32}


def test_it_is_torchvisions_network() -> None:
    theirs = torchvision.models.DenseNet(num_classes=7, **TORCHVISION)
    torch.manual_seed(0)
    again = torchvision.models.DenseNet(num_classes=7, **TORCHVISION)
    torch.manual_seed(0)
    ours = CompactDenseNet(7)
    assert all(
        torch.equal(one, other)
        for one, other in zip(ours.state_dict().values(), again.state_dict().values(), strict=True)
    )
    ours.load_state_dict(theirs.state_dict(), strict=True)
    images = torch.randn(2, 3, 64, 64)
    for network in (ours, theirs):
        network.train()
    assert torch.equal(ours(images), theirs(images))
    assert torch.equal(ours.eval()(images), theirs.eval()(images))


def test_the_embedded_zoo_opens_without_torchvision_and_the_compiler() -> None:
    code = (
        "import sys; from mia_demo.zoo.opening import open_zoo; zoo = open_zoo(); "
        "zoo.load_prior(); [zoo.load_classifier(n) for n in ('evaluator', 'zero')]; "
        "assert not {'torchvision', 'torch._dynamo'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
