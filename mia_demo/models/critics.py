"""Critics of the prior's training: they see a face's features, not its pixels.

"Projected GANs converge faster" (Sauer et al., NeurIPS 2021): one small critic for each stage of a
frozen feature network, spectrally normalised (Miyato et al., ICLR 2018). Against a discriminator on
pixels that learns everything from scratch, the generator loses within 11,000 images of this set.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

CHANNELS = 64
SLOPE = 0.2
LAST = 8  # side at which a critic stops halving


class FeatureCritic(nn.Module):
    """One stage [B, C, R, R] -> realness of its patches [B, P], unbounded."""

    def __init__(self, channels: int, side: int) -> None:
        super().__init__()
        layers: list[nn.Module] = [spectral_norm(nn.Conv2d(channels, CHANNELS, 1))]
        while side > LAST:
            layers += [nn.LeakyReLU(SLOPE), spectral_norm(nn.Conv2d(CHANNELS, CHANNELS, 4, 2, 1))]
            side //= 2
        layers += [nn.LeakyReLU(SLOPE), spectral_norm(nn.Conv2d(CHANNELS, CHANNELS, 3, 1, 1))]
        layers += [nn.LeakyReLU(SLOPE), spectral_norm(nn.Conv2d(CHANNELS, 1, min(4, side)))]
        self.layers = nn.Sequential(*layers)

    def forward(self, stage: Tensor) -> Tensor:
        realness: Tensor = self.layers(stage)
        return realness.float().flatten(1)


class FeatureCritics(nn.Module):
    """A critic for each stage.

    Args:
        shapes: channels and side of each stage (``FaceFeatures.shapes``).
    """

    def __init__(self, shapes: list[tuple[int, int]]) -> None:
        super().__init__()
        self.critics = nn.ModuleList(FeatureCritic(channels, side) for channels, side in shapes)

    def forward(self, stages: list[Tensor]) -> list[Tensor]:
        return [critic(stage) for critic, stage in zip(self.critics, stages, strict=True)]
