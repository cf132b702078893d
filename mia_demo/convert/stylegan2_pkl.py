"""NVIDIA's StyleGAN2-ADA ``.pkl``: the generator's tensors, without running its code.

The file pickles whole modules. Each names ``_reconstruct_persistent_obj`` and gives it the source
text of its class; NVIDIA's own loader executes that text. Here a module stays what the file says of
it: a class name and a dict of attributes. The source text is never looked at.
"""

import io
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from mia_demo.convert.claims import TENSOR_NAMES, StorageClaim, TensorClaim
from mia_demo.convert.plain_values import PLAIN_NAMES
from mia_demo.convert.restricted_pickle import RestrictedReader
from mia_demo.convert.torch_files import TorchFile, read_legacy
from mia_demo.errors import ConversionError

# The moving average of the generator's weights: what the paper's attack uses, too.
GENERATOR = "G_ema"
PERSISTENCE_VERSION = 6
MAX_MEMBERS = 1000  # the 1024 px generator has some 80 modules, ten parts each at most
MEMBER_NAME = re.compile(r"\w{1,64}", re.ASCII)


@dataclass(frozen=True)
class Module:
    """A pickled network module: what its class was called, and its attributes."""

    class_name: str
    state: Mapping[str, Any]


def read_stylegan2_pkl(data: bytes, source: str) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The moving-average generator of one of NVIDIA's network pickles.

    Args:
        data: the whole file.
        source: its name, for messages.

    Returns:
        Its parameters and buffers, in NVIDIA's key layout, and the keyword arguments it was made
        with.

    Raises:
        ConversionError: it names anything unexpected, is damaged, or holds no such generator.
    """
    storages = _Storages(source, len(data))
    names = {
        **PLAIN_NAMES,
        **TENSOR_NAMES,
        "torch.storage._load_from_bytes": storages.claim,
        "torch_utils.persistence._reconstruct_persistent_obj": _module,
        "dnnlib.util.EasyDict": dict,
    }
    content = RestrictedReader(io.BytesIO(data), names, source).load()
    generator = content.get(GENERATOR) if isinstance(content, dict) else None
    if not isinstance(generator, Module) or generator.class_name != "Generator":
        raise ConversionError(
            f"{source} holds no {GENERATOR}; convert takes the network pickles of "
            "stylegan2-ada-pytorch."
        )
    claims = _claims(generator, source)
    tensors = {key: storages.together.tensor(claim) for key, claim in claims.items()}
    options = generator.state.get("_init_kwargs")
    return tensors, options if isinstance(options, dict) else {}


class _Storages:
    """Storages inside the pickle, each a small torch file of its own."""

    def __init__(self, source: str, file_bytes: int) -> None:
        self.source = source
        self.bytes_left = file_bytes
        self.files: list[tuple[TorchFile, StorageClaim]] = []
        self.together = TorchFile(None, self._read)

    def claim(self, blob: Any) -> StorageClaim:
        """Stands for ``torch.storage._load_from_bytes``: checks the blob, reads no numbers."""
        if not isinstance(blob, bytes):
            raise TypeError("a storage without bytes")
        self.bytes_left -= len(blob)
        if self.bytes_left < 0:  # each blob lies in the file once: it is checked once
            raise ValueError("the same storage again and again")
        file = read_legacy(blob, self.source)
        claim = file.content
        if not isinstance(claim, StorageClaim):
            raise TypeError("a nested file that is not a storage")
        self.files.append((file, claim))
        return StorageClaim(claim.dtype, claim.length, key=str(len(self.files) - 1))

    def _read(self, claim: StorageClaim) -> bytes:
        file, own = self.files[int(claim.key)]
        return file.read(own)


def _module(meta: Any) -> Module:
    if meta["type"] != "class" or meta["version"] != PERSISTENCE_VERSION:
        raise ValueError("another version of the format")
    if not isinstance(meta["state"], dict) or not isinstance(meta["class_name"], str):
        raise TypeError("a module without attributes")
    return Module(meta["class_name"], meta["state"])


def _claims(generator: Module, source: str) -> dict[str, TensorClaim]:
    """Parameters and buffers of a module and of those in it, by their path."""
    claims: dict[str, TensorClaim] = {}
    waiting = [("", generator)]
    for _ in range(MAX_MEMBERS):
        prefix, module = waiting.pop()
        for group in ("_parameters", "_buffers"):
            for name, value in _members(module, group, source):
                if isinstance(value, TensorClaim):
                    claims[prefix + name] = value
                elif value is not None:
                    raise ConversionError(f"{source}: {prefix}{name} is not a tensor: refused.")
        for name, child in _members(module, "_modules", source):
            if not isinstance(child, Module):
                raise ConversionError(f"{source}: {prefix}{name} is not a module: refused.")
            waiting.append((f"{prefix}{name}.", child))
        if not waiting:
            return claims
    raise ConversionError(f"{source} has more than {MAX_MEMBERS} modules in {GENERATOR}: refused.")


def _members(module: Module, group: str, source: str) -> list[tuple[str, Any]]:
    members = module.state.get(group)
    if (
        not isinstance(members, dict)
        or len(members) > MAX_MEMBERS
        or not all(isinstance(name, str) and MEMBER_NAME.fullmatch(name) for name in members)
    ):
        raise ConversionError(f"{source} has a module with unusable {group}: refused.")
    return list(members.items())
