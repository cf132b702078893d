"""The last linear layer of a classifier, to put another head in its place."""

from collections.abc import Callable

from torch import nn

from mia_demo.errors import ConfigError


def replace_head(network: nn.Module, new: Callable[[int, int], nn.Module]) -> None:
    """Replaces the last linear layer.

    Args:
        new: makes the head from the numbers of its inputs and outputs.

    Raises:
        ConfigError: the architecture has no linear layer.
    """
    linear = [name for name, module in network.named_modules() if isinstance(module, nn.Linear)]
    if not linear:
        raise ConfigError("This architecture has no linear head that the defence could replace.")
    parent, _, child = linear[-1].rpartition(".")
    head = network.get_submodule(linear[-1])
    assert isinstance(head, nn.Linear)
    setattr(network.get_submodule(parent), child, new(head.in_features, head.out_features))
