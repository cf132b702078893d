"""Writes network pickles the way stylegan2-ada-pytorch does, without any of its code.

Its training script pickles whole modules. Each is reduced to a call of
``torch_utils.persistence._reconstruct_persistent_obj`` with the source text of its class; keyword
arguments are kept in ``dnnlib.util.EasyDict``. Here both names exist only while pickling, and the
source text of every class leaves a trace if anything ever executes it.
"""

from __future__ import annotations

import pickle
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

BUFFERS = ("w_avg", "noise_const", "resample_filter")
OPTIONS = {
    "z_dim": 32,
    "w_dim": 32,
    "c_dim": 0,
    "img_resolution": 32,
    "img_channels": 3,
    "mapping_kwargs": {"num_layers": 8},
    "synthesis_kwargs": {"channel_base": 512, "channel_max": 32, "num_fp16_res": 4},
}


class EasyDict(dict[str, Any]):
    pass


def _reconstruct_persistent_obj(meta: Mapping[str, Any]) -> None:
    exec(meta["module_src"])  # noqa: S102, what the original does and ours must never do


class PersistentModule(nn.Module):
    """A module that pickles as one of NVIDIA's persistent classes."""

    def __init__(self, class_name: str, module_src: str, **attributes: Any) -> None:
        super().__init__()
        self.__dict__.update(attributes)
        self.__dict__["_written_as"] = (class_name, module_src)

    def __reduce__(self) -> tuple[Any, ...]:
        state = {key: value for key, value in self.__dict__.items() if key != "_written_as"}
        class_name, module_src = self._written_as
        meta = {
            "type": "class",
            "version": 6,
            "module_src": module_src,
            "class_name": class_name,
            "state": state,
        }
        return _reconstruct_persistent_obj, (meta,), None


def module_tree(
    state: Mapping[str, Tensor], class_name: str, options: Mapping[str, Any], module_src: str
) -> PersistentModule:
    """A network with these parameters and buffers, and further attributes as NVIDIA's have."""
    kwargs = EasyDict(
        {key: EasyDict(v) if isinstance(v, dict) else v for key, v in options.items()}
    )
    root = PersistentModule(class_name, module_src, _init_args=(), _init_kwargs=kwargs)
    for key, tensor in state.items():
        *path, name = key.split(".")
        module: nn.Module = root
        for part in path:
            if part not in module._modules:
                gain = np.float64(1) / np.sqrt(32)
                child = PersistentModule("Layer", module_src, weight_gain=gain, act_gain=np.sqrt(2))
                module.add_module(part, child)
            module = module._modules[part]
        if name in BUFFERS:
            module.register_buffer(name, tensor)
        else:
            module.register_parameter(name, nn.Parameter(tensor, requires_grad=False))
    return root


def network_pickle(
    state: Mapping[str, Tensor],
    witness: Path,
    *,
    options: Mapping[str, Any] | None = None,
    class_name: str = "Generator",
    protocol: int = 4,
) -> bytes:
    """A file like ``ffhq.pkl``; executing its source text would create ``witness``."""
    source = f"open({str(witness)!r}, 'w').close()"
    generator = module_tree(state, class_name, options or OPTIONS, source)
    small = {"b4.fc.weight": torch.zeros(2, 2), "b4.resample_filter": torch.ones(4, 4)}
    discriminator = module_tree(small, "Discriminator", {"c_dim": 0}, source)
    content = {
        "training_set_kwargs": {"class_name": "training.dataset.ImageFolderDataset", "xflip": True},
        "G": generator,
        "D": discriminator,
        "G_ema": generator,
        "augment_pipe": None,
    }
    with _importable():
        return pickle.dumps(content, protocol)


@contextmanager
def _importable() -> Iterator[None]:
    homes = {
        "torch_utils.persistence": _reconstruct_persistent_obj,
        "dnnlib.util": EasyDict,
    }
    before = {thing: thing.__module__ for thing in homes.values()}
    added = []
    try:
        for home, thing in homes.items():
            module = ModuleType(home)
            setattr(module, thing.__name__, thing)
            thing.__module__ = home
            package = home.split(".")[0]
            for name, value in ((package, ModuleType(package)), (home, module)):
                sys.modules[name] = value
                added.append(name)
        yield
    finally:
        for name in added:
            del sys.modules[name]
        for thing, home in before.items():
            thing.__module__ = home
