"""StyleGAN2 generators in NVIDIA's key layout: their arguments, read off their tensors."""

import re
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from mia_demo.convert.restricted_pickle import printable
from mia_demo.errors import ConversionError
from mia_demo.models.stylegan2 import Generator

MAX_RESOLUTION = 2048
MAX_WIDTH = 4096
STYLEGAN3_INPUT = "synthesis.input."  # Fourier features instead of a constant
NVIDIA_CONSTANT = "synthesis.b4.const"
WHAT_IS_TAKEN = "convert takes StyleGAN2-ADA's usual configs: RGB skips, three colours, no labels"

# What the options of NVIDIA's networks must be for our generator to compute the same; options
# that change nothing about the arithmetic in float32, or that shapes already tell, are free.
FREE_OPTIONS = {
    "": {"z_dim", "w_dim", "img_resolution", "mapping_kwargs", "synthesis_kwargs"},
    "mapping_kwargs": {"num_layers", "embed_features", "w_avg_beta"},
    "synthesis_kwargs": {
        "channel_base",
        "channel_max",
        "num_fp16_res",
        "fp16_channels_last",
        "conv_clamp",
        "fused_modconv_default",
    },
}
FIXED_OPTIONS: dict[str, dict[str, tuple[Any, ...]]] = {
    "": {"c_dim": (0,), "img_channels": (3,)},
    "mapping_kwargs": {
        "layer_features": (None,),
        "activation": ("lrelu",),
        "lr_multiplier": (0.01,),
    },
    "synthesis_kwargs": {
        "architecture": ("skip",),
        "activation": ("lrelu",),
        "use_noise": (True,),
        "kernel_size": (3,),
        "resample_filter": ([1, 3, 3, 1], (1, 3, 3, 1)),
    },
}


def is_generator(tensors: Mapping[str, Any], source: str) -> bool:
    """Whether these are a StyleGAN2 generator's tensors in NVIDIA's layout.

    Raises:
        ConversionError: they are a StyleGAN3 generator's.
    """
    if any(key.startswith(STYLEGAN3_INPUT) for key in tensors):
        raise ConversionError(
            f"{source} is a StyleGAN3 generator, which computes otherwise than this demo's; "
            f"{WHAT_IS_TAKEN}."
        )
    return NVIDIA_CONSTANT in tensors


def generator_arguments(
    tensors: Mapping[str, Tensor], options: Mapping[str, Any], source: str
) -> dict[str, Any]:
    """Arguments of ``Generator`` that these tensors fit strictly.

    Args:
        tensors: parameters and buffers.
        options: keyword arguments the original was made with; empty where the file has none.

    Raises:
        ConversionError: they are of no StyleGAN2 generator that this program can run.
    """
    options = _grouped(options)
    _check_options(options, source)
    try:
        arguments = _arguments(tensors)
        synthesis_options = options.get("synthesis_kwargs") or {}
        if (clamp := synthesis_options.get("conv_clamp")) is not None:
            arguments["conv_clamp"] = float(clamp)
        with torch.device("meta"):
            wanted = Generator(**arguments).state_dict()
    except (KeyError, IndexError, ValueError, TypeError) as error:
        raise ConversionError(
            f"{source} is not a StyleGAN2 generator that this demo can run ({error}); "
            f"{WHAT_IS_TAKEN}."
        ) from error
    check_fit(tensors, wanted, f"a {arguments['resolution']} px StyleGAN2 generator", source)
    return arguments


def check_fit(
    tensors: Mapping[str, Tensor], wanted: Mapping[str, Tensor], network: str, source: str
) -> None:
    """Compares names and shapes with those of the network they are meant for."""
    common = wanted.keys() & tensors.keys()
    odd = {key for key in common if wanted[key].shape != tensors[key].shape}
    problems = {
        "lacks": wanted.keys() - common,
        "has no place for": tensors.keys() - common,
        "has another shape at": odd,
    }
    for problem, keys in problems.items():
        if keys:
            others = f" and {len(keys) - 1} more" if len(keys) > 1 else ""
            raise ConversionError(
                f"{source} does not fit {network}: it {problem} {printable(min(keys))}{others}; "
                "convert needs the whole network's parameters and buffers, under their first names."
            )


def _arguments(tensors: Mapping[str, Tensor]) -> dict[str, Any]:
    w_dim, z_dim = tensors["mapping.fc0.weight"].shape
    layers = sum(re.fullmatch(r"mapping\.fc\d+\.weight", key) is not None for key in tensors)
    channels = {
        int(found[1]): len(tensors[key])
        for key in tensors
        if (found := re.fullmatch(r"synthesis\.b(\d{1,4})\.conv1\.weight", key))
    }
    resolution, widest = max(channels), max(channels.values())
    if max(z_dim, w_dim, widest, layers) > MAX_WIDTH or resolution > MAX_RESOLUTION:
        raise ValueError("its sizes are beyond any StyleGAN2")
    # channels(r) = min(base / r, max): where the maximum does not bind, base is r * channels(r).
    bases = [size * width for size, width in channels.items() if width < widest]
    return {
        "z_dim": z_dim,
        "w_dim": w_dim,
        "resolution": resolution,
        "channel_base": max(bases, default=resolution * widest),
        "channel_max": widest,
        "mapping_layers": layers,
    }


def _grouped(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options with those of the synthesis network in their group.

    StyleGAN2-ADA has a group for them; the newer official code has them beside the others.
    """
    name = "synthesis_kwargs"
    known = FREE_OPTIONS[name] | FIXED_OPTIONS[name].keys()
    beside = {key: value for key, value in options.items() if key in known}
    rest = {key: value for key, value in options.items() if key not in known}
    group = rest.get(name) or {}
    return {**rest, name: {**group, **beside}} if isinstance(group, dict) else rest


def _check_options(options: Mapping[str, Any], source: str) -> None:
    for group, free in FREE_OPTIONS.items():
        values = options.get(group) or {} if group else options
        if not isinstance(values, dict):
            raise ConversionError(f"{source} has {group} that are not options: refused.")
        for name, value in values.items():
            allowed = FIXED_OPTIONS[group].get(name, ())
            if name not in free and value not in allowed:
                shown = value if isinstance(value, (str, float, bool)) else type(value).__name__
                if isinstance(value, int) and abs(value) < 2**63:
                    shown = value
                raise ConversionError(
                    f"{source} was made with {printable(f'{name}={shown}')}, which this demo's "
                    f"generator does not compute; {WHAT_IS_TAKEN}."
                )
