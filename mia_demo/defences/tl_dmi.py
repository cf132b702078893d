"""TL-DMI: the front of the network stays as it was on public faces.

Ho et al., "Model Inversion Robustness: Can Transfer Learning Help?" (CVPR 2024). Of the n layers
that have parameters, in their order, those before ``frozen_share`` * n are not trained, so that
private pictures leave no trace in them. The authors freeze the first 6 of a ResNet-18's, half of
the layers at 64 px, and 80 % at 224 px.

Batch normalisation keeps running statistics, which move without any gradient; a frozen one must be
in evaluation mode, or the private pictures leak into it.
"""

from dataclasses import dataclass

from torch import nn

from mia_demo.defences.defence import Defence, strength


@dataclass(frozen=True)
class TlDmi(Defence):
    """Freezes the front of the network, batch normalisation included."""

    name = "tl_dmi"
    title = "TL-DMI"

    frozen_share: float = strength(0.5, 0.0, 0.99, "The frozen share of the layers")

    def start_epoch(self, network: nn.Module) -> None:
        network.train()
        for layer in frozen_layers(network, self.frozen_share):
            layer.eval().requires_grad_(False)


def frozen_layers(network: nn.Module, share: float) -> list[nn.Module]:
    """The first ``share`` of the layers that have parameters of their own."""
    layers = [module for module in network.modules() if list(module.parameters(recurse=False))]
    return layers[: int(share * len(layers))]
