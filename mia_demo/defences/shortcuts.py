"""SSF and RoLSS: the shortcuts of the last stage carry less, or nothing.

Koh et al., "On the Vulnerability of Skip Connections to Model Inversion Attacks" (ECCV 2024). A
residual block y = f(x) + x hands the attack's gradient an open way back to the picture; in the
last stage it becomes

    y = f(x) + s * x

with s = 0 in RoLSS (removal of the last stage skip) and 0 < s < 1 in SSF (skip-connection scaling
factor; 0.6 for a ResNet-18). Their code also removes the shortcut of stage 3's last fifth, whatever
s is; here stage 4 alone changes.
"""

from dataclasses import dataclass

from torch import Tensor, nn

from mia_demo.defences.defence import Defence, strength
from mia_demo.errors import ConfigError

SHORTCUTS = ("shortcut", "downsample")  # of the zoo's own blocks, and of torchvision's


class ShortcutScale(nn.Module):
    """x -> s * x, the last module of a shortcut; it has no parameters."""

    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor = factor

    def forward(self, x: Tensor) -> Tensor:
        return x * self.factor


@dataclass(frozen=True)
class ShortcutScaling(Defence):
    """Scales the shortcuts of the last stage of a residual network."""

    name = "ssf"
    title = "SSF / RoLSS"

    skip: float = strength(0.6, 0.0, 1.0, "The scale of the last stage's shortcuts")

    def change(self, network: nn.Module) -> None:
        blocks = last_stage(network)
        if not blocks:
            raise ConfigError(
                "SSF scales the shortcuts of a residual network; choose compact_resnet or one of "
                "torchvision's ResNets."
            )
        for block, name in blocks:
            shortcut = getattr(block, name)
            layers = [] if shortcut is None else list(shortcut)
            setattr(block, name, nn.Sequential(*layers, ShortcutScale(self.skip)))


def last_stage(network: nn.Module) -> list[tuple[nn.Module, str]]:
    """Residual blocks from the last change of size on, each with the name of its shortcut.

    A shortcut has layers where the size changes; elsewhere it is the identity.
    """
    blocks = [
        (module, name)
        for module in network.modules()
        for name in SHORTCUTS
        if hasattr(module, name)
    ]
    changes = [i for i, (block, name) in enumerate(blocks) if getattr(block, name)]
    return blocks[changes[-1] :] if changes else []
