"""Target classifiers, evaluators and the face embedder's trunk, selected by name.

``compact_resnet`` and ``compact_densenet`` are the embedded zoo's own small networks;
``efficientnet_lite0`` is a small one with published weights of ImageNet; every
classification network of torchvision is available under its torchvision name.
"""

from collections.abc import Mapping
from types import ModuleType
from typing import Any

import torch.nn.functional as F
from torch import Tensor, nn

from mia_demo.errors import ConfigError
from mia_demo.models.densenet import CompactDenseNet
from mia_demo.models.efficientnet_lite import EfficientNetLite0


class BasicBlock(nn.Module):
    """Two 3x3 convolutions and a shortcut (He et al. 2016)."""

    def __init__(
        self, in_channels: int, out_channels: int, stride: int, *, zero_init: bool
    ) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(out_channels)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(out_channels)
        if zero_init:
            nn.init.zeros_(self.bn2.weight)
        self.shortcut = nn.Sequential()
        if stride != 1 or in_channels != out_channels:
            self.shortcut = nn.Sequential(
                nn.Conv2d(in_channels, out_channels, 1, stride, bias=False),
                nn.BatchNorm2d(out_channels),
            )

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(self.bn1(self.conv1(x)))
        return F.relu(self.bn2(self.conv2(y)) + self.shortcut(x))


class CompactResNet(nn.Module):
    """Plain residual network for small faces: stem and four stages, widths w, 2w, 4w, 8w.

    Args:
        num_classes: outputs.
        width: channels of the first stage.
        blocks: residual blocks per stage.
        stem_stride: 2 halves the input at once, which quarters the cost.
        zero_init_residual: blocks begin as their shortcuts alone (Goyal et al. 2017), so that deep
            networks learn from the first step on.
    """

    def __init__(
        self,
        num_classes: int,
        width: int = 32,
        blocks: int = 1,
        stem_stride: int = 2,
        zero_init_residual: bool = False,
    ) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(3, width, 5, stem_stride, 2, bias=False), nn.BatchNorm2d(width), nn.ReLU()
        )
        layers: list[nn.Module] = []
        channels = width
        for stage in range(4):
            for block in range(blocks):
                stride = 2 if stage > 0 and block == 0 else 1
                layers.append(
                    BasicBlock(channels, width << stage, stride, zero_init=zero_init_residual)
                )
                channels = width << stage
        self.layers = nn.Sequential(*layers)
        self.fc = nn.Linear(channels, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        x = self.layers(self.stem(x)).mean(dim=(2, 3))
        logits: Tensor = self.fc(x)
        return logits


class Classifier(nn.Module):
    """images [B, 3, S, S] in [-1, 1] -> logits [B, C], in evaluation mode unless trained.

    In training, an Inception with an auxiliary head gives a tuple of both heads' logits.

    Attributes:
        network: the bare network, whose ``state_dict`` is what checkpoints hold.
        num_classes: C.
        input_size: S; other sizes are resized (antialiased).
    """

    def __init__(self, network: nn.Module, num_classes: int, input_size: int) -> None:
        super().__init__()
        self.network = network
        self.num_classes = num_classes
        self.input_size = input_size

    def forward(self, images: Tensor) -> Tensor:
        if images.shape[-1] != self.input_size:
            images = F.interpolate(
                images,
                size=(self.input_size, self.input_size),
                mode="bilinear",
                antialias=True,
                align_corners=False,
            )
        logits: Tensor = self.network(images)
        return logits

    def features(self, images: Tensor) -> Tensor:
        """Penultimate activations [B, D]: the input of the last linear layer."""
        heads = [module for module in self.network.modules() if isinstance(module, nn.Linear)]
        if not heads:
            raise ConfigError("This architecture has no linear head, so no penultimate features.")
        captured: list[Tensor] = []
        handle = heads[-1].register_forward_pre_hook(lambda _, args: captured.append(args[0]))
        try:
            self(images)
        finally:
            handle.remove()
        return captured[-1].flatten(1)


def architectures() -> list[str]:
    """Names that ``build_classifier`` accepts."""
    models = torchvision_models()
    own = ["compact_resnet", "compact_densenet", "efficientnet_lite0"]
    return [*own, *models.list_models(module=models)]


def torchvision_models() -> ModuleType:
    """Imported when an architecture of torchvision is named; it takes as long as torch itself."""
    import torchvision.models

    return torchvision.models


def build_classifier(
    architecture: str,
    num_classes: int,
    input_size: int,
    arguments: Mapping[str, Any] | None = None,
) -> Classifier:
    """A freshly initialised classifier.

    Args:
        architecture: one of ``architectures()``.
        num_classes: C.
        input_size: side of its input in pixels.
        arguments: further arguments of the network's constructor.

    Raises:
        ConfigError: unknown architecture or wrong arguments.
    """
    options = dict(arguments or {})
    try:
        if architecture == "compact_resnet":
            network: nn.Module = CompactResNet(num_classes, **options)
        elif architecture == "efficientnet_lite0":
            network = EfficientNetLite0(num_classes, **options)
        elif architecture == "compact_densenet":
            network = CompactDenseNet(num_classes, **options)
        elif architecture in architectures():
            if architecture in ("inception_v3", "googlenet"):
                # An auxiliary head serves training at 299 px alone; inputs are ours to normalise.
                options = {"aux_logits": False, "init_weights": True, **options}
                options["transform_input"] = False
            network = torchvision_models().get_model(
                architecture, weights=None, num_classes=num_classes, **options
            )
        else:
            raise ConfigError(
                f"No architecture {architecture!r}; compact_resnet or a torchvision classifier "
                "such as resnet18, resnext50_32x4d, densenet121."
            )
    except (TypeError, ValueError) as error:
        raise ConfigError(f"{architecture} cannot be built with {options}: {error}.") from error
    return Classifier(network, num_classes, input_size)
