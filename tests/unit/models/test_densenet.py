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


ATTACK = """
import sys
from mia_demo.attack.attack import Attacker
from mia_demo.attack.config import preset_config
from mia_demo.system.device import choose_compute
from mia_demo.zoo.opening import open_zoo

config = preset_config("quick", identity=7, lanes=("zero",), steps=1, candidates=1, kept=1)
list(Attacker(open_zoo(), choose_compute("cpu")).run(config))
assert not {"torchvision", "torch._dynamo"} & set(sys.modules)
"""


def test_the_embedded_zoo_is_attacked_without_torchvision_and_the_compiler() -> None:
    subprocess.run([sys.executable, "-c", ATTACK], check=True)
