"""Restorer of the prior's training: adds to a half-size picture the detail of the full size."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mia_demo.models.equalised import LEAKY_SLOPE

WIDTHS = (24, 48, 96, 128)  # maps at half size, a quarter, ...
FINE = 16  # maps at full size


class Restorer(nn.Module):
    """[B, 3, R / 2, R / 2] -> [B, 3, R, R]: a U-Net that begins as bicubic enlargement.

    Colour is mended at half size and detail added in grey: photos have no fine detail in colour,
    and a network that may draw some paints chequers.
    """

    def __init__(self) -> None:
        super().__init__()
        a, b, c, d = WIDTHS
        self.down = nn.ModuleList([_block(3, a), _block(a, b), _block(b, c), _block(c, d)])
        self.up = nn.ModuleList([_block(d + c, c), _block(c + b, b), _block(b + a, 2 * a)])
        self.colour = nn.Conv2d(2 * a, 3, 3, 1, 1)
        self.fine = nn.Conv2d(2 * a, FINE, 3, 1, 1)
        grey = nn.Conv2d(FINE, 1, 3, 1, 1)
        self.detail = nn.Sequential(_block(FINE, FINE), grey)
        for silent in (grey, self.colour):
            for parameter in silent.parameters():
                nn.init.zeros_(parameter)

    def forward(self, picture: Tensor) -> Tensor:
        x = picture.contiguous(memory_format=torch.channels_last)
        kept: list[Tensor] = []
        for block in self.down:
            x = block(x if not kept else F.avg_pool2d(x, 2))
            kept.append(x)
        for block, beside in zip(self.up, kept[-2::-1], strict=True):
            x = block(torch.cat([_enlarged(x, "bilinear"), beside], dim=1))
        enlarged = _enlarged(picture.float() + self.colour(x).float(), "bicubic")
        fine = F.leaky_relu(self.fine(x), LEAKY_SLOPE)
        return enlarged + self.detail(_enlarged(fine, "bilinear")).float()


def _block(before: int, after: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for channels in (before, after):
        layers += [nn.Conv2d(channels, after, 3, 1, 1), nn.LeakyReLU(LEAKY_SLOPE)]
    return nn.Sequential(*layers)


def _enlarged(x: Tensor, mode: str) -> Tensor:
    return F.interpolate(x, scale_factor=2, mode=mode, align_corners=False)
