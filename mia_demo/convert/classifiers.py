"""Classifier checkpoints of the paper's reference code: their keys, architecture and class count.

The reference code wraps torchvision's networks: keys read ``model.<torchvision key>``, with
torch.compile ``model._orig_mod.<...>``, and its training writes them into ``model_state_dict``
beside the optimizer's state.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor

from mia_demo.convert.generators import check_fit
from mia_demo.errors import ConversionError
from mia_demo.models.classifiers import architectures, build_classifier

HEADS = ("fc.weight", "classifier.weight")

# A key that tells the family, and the start of its members' names.
FAMILIES = {
    "Conv2d_1a_3x3.conv.weight": ("inception_v3",),
    "features.denseblock1.denselayer1.conv1.weight": ("densenet",),
    "layer1.0.conv1.weight": ("resnet", "resnext", "wide_resnet"),
}
# Inception's second head serves its training alone.
AUXILIARY = "AuxLogits."
UNUSUAL_INPUT_SIZES = {"inception_v3": 299}
USUAL_INPUT_SIZE = 224


@dataclass(frozen=True)
class FoundClassifier:
    """A classifier's tensors under torchvision's names, and what they fit."""

    tensors: dict[str, Tensor]
    architecture: str
    num_classes: int

    @property
    def input_size(self) -> int:
        """What the reference code trains this architecture at, in pixels."""
        return UNUSUAL_INPUT_SIZES.get(self.architecture, USUAL_INPUT_SIZE)


def find_classifier(
    tensors: Mapping[str, Any], architecture: str | None, source: str
) -> FoundClassifier:
    """Names and shapes tell the architecture; a stated one must agree with them.

    Args:
        tensors: a state_dict, under the network's own names.
        architecture: torchvision name; None = find it.

    Raises:
        ConversionError: no architecture, or another than stated, has these names and shapes.
    """
    head = next((tensors[key] for key in HEADS if key in tensors), None)
    if head is None or head.ndim != 2:
        raise ConversionError(
            f"{source} has no linear head (fc or classifier); convert takes StyleGAN2 generators "
            "in NVIDIA's layout, and torchvision's ResNet, ResNeXt, DenseNet and Inception."
        )
    plain = {key: tensor for key, tensor in tensors.items() if not key.startswith(AUXILIARY)}
    num_classes = len(head)
    name = architecture or _nearest(plain, num_classes)
    if not name:
        raise ConversionError(
            f"{source} fits none of torchvision's ResNet, ResNeXt, DenseNet and Inception "
            "networks, and convert takes no other classifiers."
        )
    wanted = _shapes(name, num_classes)
    whole = {**_counters(wanted), **plain}
    check_fit(whole, wanted, f"{name} with {num_classes} classes", source)
    return FoundClassifier(whole, name, num_classes)


def _nearest(plain: Mapping[str, Tensor], num_classes: int) -> str:
    """The architecture with the fewest differences; empty if a layer is of none of them."""
    starts = next((starts for key, starts in FAMILIES.items() if key in plain), ())
    candidates = [name for name in architectures() if name.startswith(starts)]

    def differences(name: str) -> int:
        wanted = _shapes(name, num_classes)
        whole = {**_counters(wanted), **plain}
        common = whole.keys() & wanted.keys()
        differing = [key for key in common if whole[key].shape != wanted[key].shape]
        return len(whole.keys() ^ wanted.keys()) + len(differing)

    known = {key for name in candidates for key in _shapes(name, num_classes)}
    return min(candidates, key=differences, default="") if plain.keys() <= known else ""


@lru_cache(maxsize=32)
def _shapes(architecture: str, num_classes: int) -> dict[str, Tensor]:
    with torch.device("meta"):
        # input_size decides how pictures are resized, not the network.
        network = build_classifier(architecture, num_classes, USUAL_INPUT_SIZE).network
    return network.state_dict()


def _counters(wanted: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Batch counters, which older torch did not save and inference does not read."""
    return {key: torch.tensor(0) for key in wanted if key.endswith("num_batches_tracked")}
