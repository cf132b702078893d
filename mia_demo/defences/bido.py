"""BiDO-HSIC: hidden layers forget the picture and keep the label.

Peng et al., "Bilateral Dependency Optimization" (KDD 2022). With hidden representations Z_j, the
outputs of the network's blocks,

    loss + sum_j [ a1 * HSIC(Z_j, X) - a2 * HSIC(Z_j, Y) ]

over a batch of m pictures X and one-hot labels Y. HSIC is the normalised one (Fukumizu et al.,
"Kernel Measures of Conditional Dependence", NIPS 2007):

    HSIC(A, B) = tr(R_A R_B)    R = G (G + e m I)^-1    G = H K H    H = I - 1/m    e = 1e-5

with a Gaussian kernel K = exp(-d^2 / (2 s^2 dim)), s = 5, on X and Z and a linear one on Y. Its
code has (a1, a2) = (0.05, 0.5) for CelebA; the list that it ships, [(0, 0)], trains no defence.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mia_demo.defences.defence import Defence, Step, strength
from mia_demo.errors import ConfigError

KERNEL_WIDTH = 5.0  # s
RIDGE = 1e-5  # e
# Blocks of the zoo's ResNet, stages of torchvision's, blocks of the DenseNets and of EfficientNet.
BLOCK_NAMES = re.compile(r"(.*\.)?(layers\.\d+|layer[1-4]|features\.denseblock\d+|_blocks\.\d+)")


@dataclass(frozen=True)
class BidoHsic(Defence):
    """Less dependence of hidden layers on pictures, more on labels."""

    name = "bido"
    title = "BiDO-HSIC"

    input_weight: float = strength(0.05, 0.0, 100.0, "The weight a1 of the pictures")
    label_weight: float = strength(0.5, 0.0, 100.0, "The weight a2 of the labels")

    def change(self, network: nn.Module) -> None:
        hidden_blocks(network)  # complains before anything is trained

    def objective(self, step: Step) -> tuple[Tensor, Tensor]:
        with outputs_of(hidden_blocks(step.network)) as hidden:
            loss, logits = step.loss(step.images, step.labels)
        pictures = normalised(gaussian_kernel(step.images))
        labels = normalised(linear_kernel(F.one_hot(step.labels, logits.shape[1])))
        for representation in hidden:
            own = normalised(gaussian_kernel(representation))
            loss = loss + self.input_weight * hsic(own, pictures)
            loss = loss - self.label_weight * hsic(own, labels)
        return loss, logits


def gaussian_kernel(rows: Tensor) -> Tensor:
    """exp(-d^2 / (2 s^2 dim)) of rows [m, ...]: float64 [m, m], on the CPU."""
    flat = rows.flatten(1).float()
    products = (flat @ flat.T).cpu().double()  # Apple's GPU has no float64
    squares = products.diagonal()
    distances = (squares[:, None] + squares - 2 * products).clamp_min(0)
    return torch.exp(-distances / (2 * KERNEL_WIDTH**2 * flat.shape[1]))


def linear_kernel(rows: Tensor) -> Tensor:
    """Inner products of rows [m, d]: float64 [m, m], on the CPU."""
    flat = rows.cpu().double()
    return flat @ flat.T


def normalised(kernel: Tensor) -> Tensor:
    """R = G (G + e m I)^-1 of the centred kernel G: its eigenvalues lie in 0..1."""
    count = len(kernel)
    centred = kernel - kernel.mean(dim=0) - kernel.mean(dim=1, keepdim=True) + kernel.mean()
    ridge = RIDGE * count * torch.eye(count, dtype=kernel.dtype, device=kernel.device)
    # G and (G + e m I)^-1 commute.
    result: Tensor = torch.linalg.solve(centred + ridge, centred)
    return result


def hsic(left: Tensor, right: Tensor) -> Tensor:
    """tr(R_A R_B) of two normalised kernels: 0 for independence, up to m - 1."""
    return (left * right.T).sum().float()


def hidden_blocks(network: nn.Module) -> list[nn.Module]:
    """
    Raises:
        ConfigError: an architecture whose blocks are not known.
    """
    blocks = [module for name, module in network.named_modules() if BLOCK_NAMES.fullmatch(name)]
    if not blocks:
        raise ConfigError(
            "BiDO needs an architecture of blocks, such as compact_resnet, resnet18 or densenet121."
        )
    return blocks


@contextmanager
def outputs_of(modules: list[nn.Module]) -> Iterator[list[Tensor]]:
    """Collects what the modules put out inside the ``with``."""
    outputs: list[Tensor] = []
    hooks = [
        module.register_forward_hook(lambda _module, _inputs, output: outputs.append(output))
        for module in modules
    ]
    try:
        yield outputs
    finally:
        for hook in hooks:
            hook.remove()
