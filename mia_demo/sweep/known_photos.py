"""A zoo's own photos, and what its networks make of them: computed once on this machine.

A table needs the embedding of every training photo and each target's logits of every test photo,
whatever was swept. That is most of the work of a small sweep, so outputs are kept in the user's
cache: by photos, network, device, number of threads and this very program. A table is the same to
the bit with them and without.
"""

import contextlib
import hashlib
import json
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path

import torch
from torch import Tensor, nn

from mia_demo.errors import CheckpointError
from mia_demo.system.arithmetic import cpu_arithmetic
from mia_demo.system.device import Compute
from mia_demo.system.files import cache_folder, sha256_of
from mia_demo.system.tensor_files import write_tensors
from mia_demo.training.classifier import LabelledImages, predict
from mia_demo.zoo.fitting import read_tensors
from mia_demo.zoo.manifest import library_versions
from mia_demo.zoo.reading import Zoo

MAX_KEPT_OUTPUTS = 64  # outputs; a file takes up to some megabytes


class KnownPhotos:
    """The photos of a zoo's identities, decoded when they are looked at.

    Args:
        size: side in pixels.
    """

    def __init__(self, zoo: Zoo, size: int, compute: Compute) -> None:
        self.zoo = zoo
        self.size = size
        self.compute = compute
        self._identities = zoo.identities()
        self._items = zoo.split_items(self._identities)
        self._decoded: dict[str, Tensor] = {}

    def labels(self, split: str) -> Tensor:
        return torch.tensor([label for label, _ in self._items[split]], dtype=torch.int64)

    def photos_of(self, people: set[int], split: str) -> LabelledImages:
        """Those of some identities."""
        chosen = [item for item in self._items[split] if item[0] in people]
        if not chosen:
            none = torch.empty(0, 3, self.size, self.size, dtype=torch.uint8)
            return LabelledImages(none, torch.empty(0, dtype=torch.int64))
        return LabelledImages(*self._identities.items(self.size, chosen))

    def outputs(self, name: str, network: nn.Module, split: str) -> Tensor:
        """Outputs [N, D] of a network for every photo of ``train`` or ``test``.

        Args:
            network: the zoo's checkpoint ``name``, on its device.
        """
        kept = self._kept_in(name, split)
        if kept is not None:
            with contextlib.suppress(OSError, CheckpointError, KeyError):
                return read_tensors(kept)["outputs"]
        if split not in self._decoded:
            self._decoded[split], _ = self._identities.items(self.size, self._items[split])
        outputs = predict(network, self._decoded[split], self.compute)
        if kept is not None:
            with contextlib.suppress(OSError):  # then they are computed again next time
                write_tensors(kept, {"outputs": outputs.contiguous()})
                _drop_oldest(kept.parent)
        return outputs

    def _kept_in(self, name: str, split: str) -> Path | None:
        """None where no checksum says which photos these are."""
        manifest = self.zoo.manifest
        if manifest.folder:
            return None
        on_cpu = self.compute.device.type == "cpu"
        decisive = {
            "photos": [part.sha256 for part in manifest.identities],
            "chosen": [split, manifest.train_images, self.size],
            "network": self.zoo.entry(name).to_json(),
            "device": [self.compute.label, cpu_arithmetic().cpu if on_cpu else ""],
            "program": [_program(), library_versions(), version("pillow")],
        }
        key = hashlib.sha256(json.dumps(decisive).encode()).hexdigest()
        return cache_folder() / "photos" / f"{key}.safetensors"


@lru_cache(maxsize=1)
def _program() -> str:
    """A checksum of every module of this package: whatever changes may change a rounding."""
    modules = sorted(Path(__file__).parents[1].rglob("*.py"))
    return hashlib.sha256("".join(map(sha256_of, modules)).encode()).hexdigest()


def _drop_oldest(folder: Path) -> None:
    kept = sorted(folder.glob("*.safetensors"), key=lambda path: path.stat().st_mtime)
    for path in kept[:-MAX_KEPT_OUTPUTS]:
        path.unlink(missing_ok=True)
