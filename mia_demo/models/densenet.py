"""A small DenseNet-BC (Huang et al. 2017), in the parameter layout of torchvision's.

Written out so that the page starts without torchvision, whose import takes as long as torch's own.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

BOTTLENECK = 4  # maps of a layer's 1x1 convolution, times the growth rate


class DenseLayer(nn.Module):
    """All maps so far -> ``growth_rate`` more, through a bottleneck."""

    def __init__(self, in_channels: int, growth_rate: int) -> None:
        super().__init__()
        width = BOTTLENECK * growth_rate
        self.norm1 = nn.BatchNorm2d(in_channels)
        self.conv1 = nn.Conv2d(in_channels, width, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, growth_rate, 3, padding=1, bias=False)

    def forward(self, maps: list[Tensor]) -> Tensor:
        x = self.conv1(F.relu(self.norm1(torch.cat(maps, 1)), inplace=True))
        more: Tensor = self.conv2(F.relu(self.norm2(x), inplace=True))
        return more


class DenseBlock(nn.ModuleDict):
    """``layers`` dense layers."""

    def __init__(self, layers: int, in_channels: int, growth_rate: int) -> None:
        super().__init__()
        for index in range(layers):
            layer = DenseLayer(in_channels + index * growth_rate, growth_rate)
            self.add_module(f"denselayer{index + 1}", layer)

    def forward(self, x: Tensor) -> Tensor:
        maps = [x]
        for layer in self.values():
            maps.append(layer(maps))
        return torch.cat(maps, 1)


class Transition(nn.Sequential):
    """Halves maps and sides."""

    def __init__(self, in_channels: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(in_channels)
        self.relu = nn.ReLU(inplace=True)
        self.conv = nn.Conv2d(in_channels, in_channels // 2, 1, bias=False)
        self.pool = nn.AvgPool2d(2, 2)


class CompactDenseNet(nn.Module):
    """images [B, 3, S, S] -> logits [B, C]; half the usual growth rate and four short blocks.

    Args:
        num_classes: C.
        growth_rate: maps that each layer adds.
        block_config: layers of each block.
        num_init_features: maps of the stem.
    """

    def __init__(
        self,
        num_classes: int,
        growth_rate: int = 16,
        block_config: Sequence[int] = (4, 6, 8, 6),
        num_init_features: int = 32,
    ) -> None:
        super().__init__()
        channels = num_init_features
        self.features = nn.Sequential()
        self.features.add_module("conv0", nn.Conv2d(3, channels, 7, 2, 3, bias=False))
        self.features.add_module("norm0", nn.BatchNorm2d(channels))
        self.features.add_module("relu0", nn.ReLU(inplace=True))
        self.features.add_module("pool0", nn.MaxPool2d(3, 2, 1))
        for number, layers in enumerate(block_config, start=1):
            block = DenseBlock(layers, channels, growth_rate)
            self.features.add_module(f"denseblock{number}", block)
            channels += layers * growth_rate
            if number < len(block_config):
                self.features.add_module(f"transition{number}", Transition(channels))
                channels //= 2
        self.features.add_module("norm5", nn.BatchNorm2d(channels))
        self.classifier = nn.Linear(channels, num_classes)
        for module in self.modules():
            # A meta tensor has no numbers, and asking for some imports torch's compiler.
            if isinstance(module, nn.Conv2d) and not module.weight.is_meta:
                nn.init.kaiming_normal_(module.weight)
            elif isinstance(module, nn.Linear):
                nn.init.zeros_(module.bias)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.features(x), inplace=True)
        logits: Tensor = self.classifier(F.adaptive_avg_pool2d(x, (1, 1)).flatten(1))
        return logits
