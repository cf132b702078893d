"""A prior cut in two: the features after one of its blocks, and the picture that they become."""

from __future__ import annotations

from torch import Tensor

from mia_demo.models.stylegan2 import Features, SynthesisNetwork


def features_after(synthesis: SynthesisNetwork, w: Tensor, block: int) -> Features:
    """What styles [B, w_dim] have become after blocks 0..``block``."""
    return features_between(synthesis, w, (-1, block), None)


def picture_of(synthesis: SynthesisNetwork, w: Tensor, block: int, features: Features) -> Tensor:
    """Pictures [B, 3, R, R], not clipped, that the blocks after ``block`` make of its features."""
    last = len(synthesis.resolutions) - 1
    return features_between(synthesis, w, (block, last), features)[1].float()


def features_between(
    synthesis: SynthesisNetwork, w: Tensor, blocks: tuple[int, int], features: Features | None
) -> Features:
    """The features after the second of two blocks, made of those after the first (-1: of none)."""
    ws = w.unsqueeze(1).expand(-1, synthesis.num_ws, -1)
    return synthesis.through(ws, range(blocks[0] + 1, blocks[1] + 1), features)
