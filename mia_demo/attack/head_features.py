"""What reaches a classifier's last layer, for the logit loss with a regulariser.

LOMMA (Nguyen et al., CVPR 2023) minimises -logit_y + lambda * |f - f_reg|^2, where f are the D
penultimate features of a reconstruction and f_reg their mean over public pictures: a reconstruction
with a large logit shall not have features that no face has. Pictures of the prior are the public
ones here, and the square is a mean over the D numbers, so that lambda suits any width.
"""

import threading
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

    Only of this thread: others ask the same network about other pictures meanwhile.

    Raises:
        ConfigError: there is none.
    """
    linear = [module for module in network.modules() if isinstance(module, nn.Linear)]
    if not linear:
        raise ConfigError("This architecture has no linear head, so no features to regularise.")
    found: list[Tensor] = []
    own_thread = threading.get_ident()

    def collect(_: nn.Module, inputs: tuple[Tensor]) -> None:
        if threading.get_ident() == own_thread:
            found.append(inputs[0].flatten(1).float())

    hook = linear[-1].register_forward_pre_hook(collect)
    try:
        yield found
    finally:
        hook.remove()


def public_features(renderer: Renderer, lane: Lane, styles: Tensor) -> Tensor:
    """f_reg [D]: the mean over pictures of the first of ``styles`` [N, w_dim]."""
    _, (views,) = renderer.render(styles[:PUBLIC_PICTURES], [lane])

    def some(part: slice) -> Tensor:
        with torch.no_grad(), head_inputs(lane.attacked) as found:
            batch = views[part].contiguous(memory_format=torch.channels_last)
            renderer.answer(lane.attacked, batch)
        return found[0]

    return torch.cat(renderer.micro_batches.run(len(views), some)).mean(dim=0)
