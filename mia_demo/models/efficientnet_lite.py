"""EfficientNet-Lite0: EfficientNet-B0 without squeeze-and-excitation, with ReLU6.

Tan and Le, "EfficientNet: Rethinking Model Scaling" (ICML 2019), in the variant that Google
published for phones. Parameters are named as in ``efficientnet-lite-pytorch``, whose weights of
ImageNet (Apache-2.0) load strictly but for the head.
"""

import torch.nn.functional as F
from torch import Tensor, nn

# Expansion, output channels, blocks, stride of the first block, kernel size.
LITE0_STAGES = (
    (1, 16, 1, 1, 3),
    (6, 24, 2, 2, 3),
    (6, 40, 2, 2, 5),
    (6, 80, 3, 2, 3),
    (6, 112, 3, 1, 5),
    (6, 192, 4, 2, 5),
    (6, 320, 1, 1, 3),
)
LITE0_STEM = 32
LITE0_HEAD = 1280


class MBConv(nn.Module):
    """Inverted residual: expand, convolve each channel, project; shortcut where sizes agree."""

    def __init__(self, inputs: int, outputs: int, expansion: int, stride: int, kernel: int) -> None:
        super().__init__()
        inner = inputs * expansion
        self.expands = expansion != 1
        if self.expands:
            self._expand_conv = nn.Conv2d(inputs, inner, 1, bias=False)
            self._bn0 = nn.BatchNorm2d(inner)
        self._depthwise_conv = nn.Conv2d(
            inner, inner, kernel, stride, kernel // 2, groups=inner, bias=False
        )
        self._bn1 = nn.BatchNorm2d(inner)
        self._project_conv = nn.Conv2d(inner, outputs, 1, bias=False)
        self._bn2 = nn.BatchNorm2d(outputs)
        self.residual = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu6(self._bn0(self._expand_conv(x))) if self.expands else x
        y = F.relu6(self._bn1(self._depthwise_conv(y)))
        y = self._bn2(self._project_conv(y))
        return x + y if self.residual else y


class EfficientNetLite0(nn.Module):
    """images [B, 3, S, S] -> logits [B, C].

    Args:
        num_classes: C.
        stem_stride: 1 keeps the size of small pictures, which the network of 224 px halves first.
    """

    def __init__(self, num_classes: int, stem_stride: int = 2) -> None:
        super().__init__()
        self._conv_stem = nn.Conv2d(3, LITE0_STEM, 3, stem_stride, 1, bias=False)
        self._bn0 = nn.BatchNorm2d(LITE0_STEM)
        blocks: list[nn.Module] = []
        channels = LITE0_STEM
        for expansion, outputs, repeats, stride, kernel in LITE0_STAGES:
            for index in range(repeats):
                blocks.append(MBConv(channels, outputs, expansion, 1 if index else stride, kernel))
                channels = outputs
        self._blocks = nn.Sequential(*blocks)
        self._conv_head = nn.Conv2d(channels, LITE0_HEAD, 1, bias=False)
        self._bn1 = nn.BatchNorm2d(LITE0_HEAD)
        self._fc = nn.Linear(LITE0_HEAD, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        x = self._blocks(F.relu6(self._bn0(self._conv_stem(x))))
        x = F.relu6(self._bn1(self._conv_head(x)))
        logits: Tensor = self._fc(x.mean(dim=(2, 3)))
        return logits
