"""What reaches a classifier's last layer, for the logit loss with a regulariser.

LOMMA (Nguyen et al., CVPR 2023) minimises -logit_y + lambda * |f - f_reg|^2, where f are the D
penultimate features of a reconstruction and f_reg their mean over public pictures: a reconstruction
with a large logit shall not have features that no face has. Pictures of the prior are the public
ones here, and the square is a mean over the D numbers, so that lambda suits any width.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from mia_demo.attack.lanes import Lane
from mia_demo.attack.renderer import Renderer
from mia_demo.errors import ConfigError

PUBLIC_PICTURES = 200


@contextmanager
def head_inputs(network: nn.Module) -> Iterator[list[Tensor]]:
    """Collects the inputs of the last linear layer inside the ``with``, as float32 [B, D].

    Raises:
        ConfigError: there is none.
    """
    linear = [module for module in network.modules() if isinstance(module, nn.Linear)]
    if not linear:
        raise ConfigError("This architecture has no linear head, so no features to regularise.")
    found: list[Tensor] = []
    hook = linear[-1].register_forward_pre_hook(
        lambda _, inputs: found.append(inputs[0].flatten(1).float())
    )
    try:
        yield found
    finally:
        hook.remove()


def public_features(renderer: Renderer, lane: Lane, styles: Tensor) -> Tensor:
    """f_reg [D]: the mean over pictures of the first of ``styles`` [N, w_dim]."""
    _, (views,) = renderer.render(styles[:PUBLIC_PICTURES], [lane])
    with torch.no_grad(), head_inputs(lane.attacked) as found:
        renderer.logits(lane.attacked, views)
    return torch.cat(found).mean(dim=0)
