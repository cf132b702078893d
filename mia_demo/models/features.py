"""What a face looks like to a network that tells people apart: the prior's sense of likeness.

Pixels alone do not know that a nostril matters more than a background. The stages of a small
network, trained on the attacker's public people, do: the error between them is the perceptual loss
(Johnson et al., ECCV 2016; Zhang et al., "The unreasonable effectiveness of deep features as a
perceptual metric", CVPR 2018), which StyleGAN2's projector takes from VGG. It is another network,
with another seed and layout, than the face embedder that judges.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from mia_demo.models.classifiers import CompactResNet


class FaceFeatures(nn.Module):
    """images [B, 3, R, R] in [-1, 1] -> the four stages [B, C_i, R_i, R_i], frozen.

    Fully convolutional, so R need not be the size that the network was trained at.
    """

    def __init__(self, network: CompactResNet) -> None:
        super().__init__()
        self.network = network.eval().requires_grad_(False)

    def train(self, mode: bool = True) -> FaceFeatures:
        """Stays in evaluation mode: its statistics are those of real faces."""
        return super().train(False)

    def forward(self, images: Tensor) -> list[Tensor]:
        x = self.network.stem(images.contiguous(memory_format=torch.channels_last))
        stages = []
        for layer in self.network.layers:
            x = layer(x)
            stages.append(x)
        return stages


def feature_error(drawn: list[Tensor], wanted: list[Tensor]) -> Tensor:
    """Relative absolute error [B], mean over the stages; 0 is equal, about 1 is a stranger.

    Args:
        drawn, wanted: stages [B, C_i, R_i, R_i] of two batches.
    """
    errors = [
        (a.float() - b.float()).abs().mean(dim=(1, 2, 3)) / b.float().abs().mean(dim=(1, 2, 3))
        for a, b in zip(drawn, wanted, strict=True)
    ]
    return torch.stack(errors).mean(dim=0)
