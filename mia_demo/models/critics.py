"""Critics of the prior's training: they see a face's features, not its pixels.

"Projected GANs converge faster" (Sauer et al., NeurIPS 2021): one small critic for each stage of a
frozen feature network, spectrally normalised (Miyato et al., ICLR 2018), and with batch
normalisation, without which each layer shrinks its signal until the critic says nothing.
"""

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from mia_demo.models.equalised import LEAKY_SLOPE

CHANNELS = 48


class PatchCritic(nn.Module):
    """One stage [B, C, R, R] -> realness of its patches [B, P], unbounded.

    Args:
        halvings: 2 for the finest stage: all critics then see patches of about one size.
    """

    mean: Tensor
    scale: Tensor

    def __init__(self, channels: int, halvings: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(channels, 1, 1))
        self.register_buffer("scale", torch.ones(channels, 1, 1))
        layers: list[nn.Module] = [_conv(channels, 3, 1), nn.LeakyReLU(LEAKY_SLOPE)]
        for kernel, stride in [(4, 2)] * halvings + [(3, 1)]:
            # The statistics are those of the batch at hand, real or drawn.
            normalised = nn.BatchNorm2d(CHANNELS, track_running_stats=False)
            layers += [_conv(CHANNELS, kernel, stride), normalised, nn.LeakyReLU(LEAKY_SLOPE)]
        layers.append(spectral_norm(nn.Conv2d(CHANNELS, 1, 3, 1, 1)))
        self.layers = nn.Sequential(*layers)

    def forward(self, stage: Tensor) -> Tensor:
        normalised = (stage - self.mean.to(stage.dtype)) * self.scale.to(stage.dtype)
        realness: Tensor = self.layers(normalised)
        return realness.float().flatten(1)


class PatchCritics(nn.Module):
    """A critic for each of the first stages, finest first.

    Args:
        channels: of the stages.
    """

    def __init__(self, channels: list[int]) -> None:
        super().__init__()
        halvings = [2, *(max(0, 2 - n) for n in range(len(channels) - 1))]
        self.critics = nn.ModuleList(map(PatchCritic, channels, halvings))

    def forward(self, stages: list[Tensor]) -> list[Tensor]:
        return [critic(stage) for critic, stage in zip(self.critics, stages, strict=True)]

    @torch.no_grad()
    def learn_scale(self, stages: list[Tensor]) -> None:
        """Takes mean and deviation of each channel from photos."""
        for critic, stage in zip(self.critics, stages, strict=True):
            mean, deviation = stage.float().mean((0, 2, 3)), stage.float().std((0, 2, 3))
            critic.get_buffer("mean").copy_(mean[:, None, None])
            critic.get_buffer("scale").copy_(1 / (deviation + 1e-3)[:, None, None])


def _conv(before: int, kernel: int, stride: int) -> nn.Module:
    return spectral_norm(nn.Conv2d(before, CHANNELS, kernel, stride, 1))
