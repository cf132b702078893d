"""StyleGAN2 generators of rosinality's implementation, renamed to NVIDIA's key layout.

Both projects publish how they take over the same TensorFlow weights; the names below are those two
put together. The arithmetic is the same but for shapes with ones in them.
"""

import re
from collections.abc import Mapping

import torch
from torch import Tensor

from mia_demo.convert.generators import MAX_WIDTH
from mia_demo.errors import ConversionError
from mia_demo.models.resampling import resample_filter
from mia_demo.models.stylegan2 import MappingNetwork

ROSINALITY_INPUT = "input.input"
AVERAGE = "latent_avg"  # beside the state_dict, where the publisher computed it
AVERAGED_STYLES = 10_000
MAX_MAPPING_LAYERS = 64

CONVOLUTION = {
    "conv.weight": "weight",
    "conv.modulation.weight": "affine.weight",
    "conv.modulation.bias": "affine.bias",
}
LAYER_PARTS = {**CONVOLUTION, "noise.weight": "noise_strength", "activate.bias": "bias"}
RGB_PARTS = {**CONVOLUTION, "bias": "bias"}


def official_layout(
    tensors: Mapping[str, Tensor], average: Tensor | None, source: str
) -> dict[str, Tensor]:
    """The same generator under NVIDIA's names and shapes.

    Args:
        tensors: rosinality's ``state_dict``.
        average: mean style [w_dim]; None = computed from seeded latents, as rosinality's
            programs do at run time.
        source: the file's name, for messages.

    Raises:
        ConversionError: it was made with other filters than StyleGAN2's.
    """
    renamed: dict[str, Tensor] = {}
    for key, tensor in tensors.items():
        if key.endswith(".kernel"):
            if tensor.shape != (4, 4) or not torch.allclose(tensor.float(), resample_filter() * 4):
                raise ConversionError(
                    f"{source} was made with other filters than StyleGAN2's [1, 3, 3, 1]; this "
                    "demo's generator cannot run it."
                )
        else:
            renamed[_official_name(key)] = _official_shape(key, tensor)
    layers = [key.removesuffix(".noise_strength") for key in renamed if "noise_strength" in key]
    blocks = {layer.rpartition(".")[0] for layer in layers}
    for owner in [*layers, *blocks]:
        renamed[f"{owner}.resample_filter"] = resample_filter()
    renamed["mapping.w_avg"] = _mean_style(renamed) if average is None else average.flatten()
    return renamed


def _official_name(key: str) -> str:
    if found := re.fullmatch(r"style\.(\d+)\.(weight|bias)", key):
        return f"mapping.fc{int(found[1]) - 1}.{found[2]}"
    if key == ROSINALITY_INPUT:
        return "synthesis.b4.const"
    if found := re.fullmatch(r"noises\.noise_(\d+)", key):
        return f"{_layer(int(found[1]))}.noise_const"
    layer, _, part = key.partition(".")
    if layer == "conv1" and part in LAYER_PARTS:
        return f"{_layer(0)}.{LAYER_PARTS[part]}"
    if layer == "to_rgb1" and part in RGB_PARTS:
        return f"synthesis.b4.torgb.{RGB_PARTS[part]}"
    index, _, part = part.partition(".")
    if layer == "convs" and index.isdecimal() and part in LAYER_PARTS:
        return f"{_layer(int(index) + 1)}.{LAYER_PARTS[part]}"
    if layer == "to_rgbs" and index.isdecimal() and part in RGB_PARTS:
        return f"synthesis.b{8 << min(int(index), 16)}.torgb.{RGB_PARTS[part]}"
    return key  # strict loading will name it


def _layer(number: int) -> str:
    """The convolutions in order: one at 4 px, then two at each size."""
    size = 4 << min((number + 1) // 2, 16)
    return f"synthesis.b{size}.conv{1 if number == 0 else (number - 1) % 2}"


def _official_shape(key: str, tensor: Tensor) -> Tensor:
    if key == ROSINALITY_INPUT or key.endswith((".conv.weight", ".noise.weight")):
        return tensor.squeeze(0)
    if key.startswith("noises."):
        return tensor.squeeze(0).squeeze(0)
    return tensor.flatten() if key.startswith("to_rgb") and key.endswith(".bias") else tensor


def _mean_style(renamed: Mapping[str, Tensor]) -> Tensor:
    layers = {
        key.removeprefix("mapping."): tensor.float()
        for key, tensor in renamed.items()
        if key.startswith("mapping.fc")
    }
    w_dim, z_dim = layers["fc0.weight"].shape
    depth = len(layers) // 2
    # Before anything is made: a small file may name many layers of much width.
    shapes = {f"fc{number}.weight": (w_dim, w_dim if number else z_dim) for number in range(depth)}
    if max(w_dim, z_dim) > MAX_WIDTH or depth > MAX_MAPPING_LAYERS:
        raise ValueError("beyond any StyleGAN2")
    if any(key not in layers or layers[key].shape != shape for key, shape in shapes.items()):
        raise ValueError("layers that do not follow each other")
    mapping = MappingNetwork(z_dim, w_dim, num_ws=1, num_layers=depth)
    mapping.load_state_dict({**layers, "w_avg": torch.zeros(w_dim)})
    latents = torch.randn(AVERAGED_STYLES, z_dim, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        return mapping(latents)[:, 0].mean(dim=0)
