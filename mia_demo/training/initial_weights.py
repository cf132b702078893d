"""What a training starts from: random weights, ImageNet's, or another checkpoint's.

ImageNet's weights are torchvision's own (``DEFAULT`` of each architecture). torchvision downloads
them, unless they are in its cache, only when they are asked for.
"""

from pathlib import Path
from urllib.error import URLError

from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from mia_demo.errors import CheckpointError, ConfigError
from mia_demo.models.classifiers import torchvision_models

RANDOM = "random"
IMAGENET = "imagenet"
PRETRAINED = "pretrained"  # the zoo's own; ``recipes.classifiers.new_classifier`` finds its file


def load_initial_weights(network: nn.Module, architecture: str, source: str) -> list[str]:
    """Copies weights into a bare network, except those of heads with another number of outputs.

    A head of the same size is kept, as in the reference code: ImageNet's 1000 classes initialise
    the head of CelebA's 1000 identities.

    Args:
        source: ``random`` changes nothing, ``imagenet``, or the path of a safetensors file.

    Returns:
        Names of the parameters that stay random.

    Raises:
        ConfigError: torchvision has no such weights, or they cannot be downloaded.
        CheckpointError: the file is missing, damaged, or of another architecture.
    """
    if source == RANDOM:
        return []
    tensors = _imagenet(architecture) if source == IMAGENET else _of_file(Path(source))
    own = network.state_dict()
    heads = {
        f"{name}.{field}"
        for name, module in network.named_modules()
        if isinstance(module, nn.Linear)
        for field in ("weight", "bias")
    }
    fitting = {
        key: tensor
        for key, tensor in tensors.items()
        if key in own and (tensor.shape == own[key].shape or key not in heads)
    }
    left = sorted(own.keys() - fitting.keys())
    # Checkpoints of evaluators may lack the auxiliary head, which only serves training.
    misfits = {key for key in left if key not in heads and not key.startswith("AuxLogits.")}
    if misfits or any(own[key].shape != fitting[key].shape for key in fitting):
        raise CheckpointError(
            f"{source} does not fit {architecture}; initial weights must be of this architecture."
        )
    network.load_state_dict(fitting, strict=False)
    return left


def _imagenet(architecture: str) -> dict[str, Tensor]:
    try:
        return torchvision_models().get_model(architecture, weights="DEFAULT").state_dict()
    except (URLError, OSError) as error:
        raise ConfigError(
            f"ImageNet's weights for {architecture} cannot be downloaded ({error}); put "
            "torchvision's file into ~/.cache/torch/hub/checkpoints, or start from random weights."
        ) from error
    except (ValueError, KeyError) as error:
        raise ConfigError(f"torchvision has no ImageNet weights for {architecture}.") from error


def _of_file(path: Path) -> dict[str, Tensor]:
    try:
        return {
            key: tensor.float() if tensor.is_floating_point() else tensor
            for key, tensor in load_file(path).items()
        }
    except (OSError, SafetensorError) as error:
        raise CheckpointError(
            f"{path} is not a readable safetensors file ({error}); give imagenet, random or a "
            "checkpoint of this program."
        ) from error
