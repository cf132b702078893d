"""A prior cut in two: the features after one of its blocks, and the picture that they become."""

from __future__ import annotations

from torch import Tensor

from mia_demo.models.stylegan2 import SynthesisBlock, SynthesisNetwork

Features = tuple[Tensor, Tensor]  # maps [B, C, r, r] after a block, and the picture so far


def features_after(synthesis: SynthesisNetwork, w: Tensor, block: int) -> Features:
    """What styles [B, w_dim] have become after blocks 0..``block``."""
    return _through(synthesis, w, (0, block + 1), None)


def picture_of(synthesis: SynthesisNetwork, w: Tensor, block: int, features: Features) -> Tensor:
    """Pictures [B, 3, R, R], not clipped, that the blocks after ``block`` make of its features."""
    blocks = (block + 1, len(synthesis.resolutions))
    _, picture = _through(synthesis, w, blocks, features)
    return picture.float()


def features_between(
    synthesis: SynthesisNetwork, w: Tensor, blocks: tuple[int, int], features: Features
) -> Features:
    """The features after the second of two blocks, made of those after the first."""
    return _through(synthesis, w, (blocks[0] + 1, blocks[1] + 1), features)


def _through(
    synthesis: SynthesisNetwork, w: Tensor, blocks: tuple[int, int], features: Features | None
) -> Features:
    ws = w.unsqueeze(1).expand(-1, synthesis.num_ws, -1)
    x, image = features or (None, None)
    first_style = 0
    for number, size in enumerate(synthesis.resolutions):
        block: SynthesisBlock = getattr(synthesis, f"b{size}")
        if blocks[0] <= number < blocks[1]:
            own = ws[:, first_style : first_style + block.num_conv + 1]
            x, image = block(x, image, own, "const")
        first_style += block.num_conv
    assert x is not None
    assert image is not None
    return x, image
