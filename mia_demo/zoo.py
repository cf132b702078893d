"""Checkpoints: the only module that reads or writes them.

A zoo is a folder with ``manifest.json``, one safetensors file a checkpoint, and the target
identities as zip parts. Files are checked against the manifest's bytes and sha256 before they are
parsed, architectures are built from the manifest and weights loaded strictly. Nothing is ever
unpickled.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from mia_demo import __version__
from mia_demo.data.attributes import definitions
from mia_demo.data.identities import IdentitySet, open_identity_set
from mia_demo.errors import CheckpointError, ConfigError
from mia_demo.files import replacing, sha256_of, write_json
from mia_demo.models.classifiers import Classifier, build_classifier
from mia_demo.models.embedder import FaceEmbedder
from mia_demo.models.stylegan2 import Generator

MANIFEST = "manifest.json"
FORMAT = 1
EMBEDDED_ZOO = Path(__file__).resolve().parent.parent / "checkpoints"
KINDS = ("target", "evaluator", "embedder", "attributes", "prior", "pool")


@dataclass(frozen=True)
class StoredFile:
    """A file of the zoo and what it must look like."""

    file: str
    bytes: int
    sha256: str

    def __post_init__(self) -> None:
        if Path(self.file).name != self.file or self.file.startswith("."):
            raise CheckpointError(f"The manifest names an unsafe file: {self.file!r}.")


@dataclass(frozen=True)
class CheckpointEntry:
    """What the manifest says of one checkpoint.

    Attributes:
        kind: one of ``KINDS``.
        architecture, arguments: enough to build the network.
        num_classes: outputs (embedding width for an embedder), None for prior and pool.
        input_size: pixels; of a prior, what it makes.
        alpha, alphas: smoothing factor and what every epoch really used (targets).
        test_accuracy: measured share of right answers; of an embedder, rank-1 on held-out people;
            of attribute heads, mean over the attributes on held-out people.
        training: recipe and figures of the training, for people and for ``make-zoo``.
    """

    name: str
    kind: str
    stored: StoredFile
    architecture: str
    arguments: dict[str, Any] = field(default_factory=dict)
    num_classes: int | None = None
    input_size: int = 64
    mean: float = 0.5
    std: float = 0.5
    alpha: float | None = None
    alphas: list[float] | None = None
    epochs: int | None = None
    seed: int = 0
    test_accuracy: float | None = None
    train_accuracy: float | None = None
    training: dict[str, Any] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        values = asdict(self)
        return {**values.pop("stored"), **values}

    @staticmethod
    def from_json(values: Mapping[str, Any]) -> CheckpointEntry:
        rest = dict(values)
        stored = StoredFile(rest.pop("file"), rest.pop("bytes"), rest.pop("sha256"))
        entry = CheckpointEntry(stored=stored, **rest)
        if entry.kind not in KINDS:
            raise CheckpointError(f"Checkpoint {entry.name!r} is of unknown kind {entry.kind!r}.")
        return entry


@dataclass(frozen=True)
class Manifest:
    """The zoo's table of contents."""

    identities: list[StoredFile] = field(default_factory=list)
    train_images: int = 48  # of each identity, the rest is the test split
    checkpoints: list[CheckpointEntry] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        return {
            "format": FORMAT,
            "identities": [asdict(part) for part in self.identities],
            "train_images": self.train_images,
            "checkpoints": [entry.to_json() for entry in self.checkpoints],
        }


class Zoo:
    """A folder of checkpoints with a manifest.

    Args:
        root: the folder.

    Raises:
        CheckpointError: no manifest, or one this version does not understand.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.manifest = _read_manifest(root)

    @staticmethod
    def create(root: Path) -> Zoo:
        """Opens the zoo in ``root``, made empty if there is none."""
        if not (root / MANIFEST).exists():
            write_json(root / MANIFEST, Manifest().to_json())
        return Zoo(root)

    def entries(self, kind: str) -> list[CheckpointEntry]:
        return [entry for entry in self.manifest.checkpoints if entry.kind == kind]

    def entry(self, name: str) -> CheckpointEntry:
        for entry in self.manifest.checkpoints:
            if entry.name == name:
                return entry
        names = ", ".join(entry.name for entry in self.manifest.checkpoints) or "nothing"
        raise CheckpointError(f"The zoo {self.root} has no checkpoint {name!r}; it has {names}.")

    def target_names(self) -> list[str]:
        """Lanes from the largest smoothing factor to the smallest."""
        targets = sorted(self.entries("target"), key=lambda entry: -(entry.alpha or 0.0))
        return [entry.name for entry in targets]

    # -- reading ------------------------------------------------------------------------------

    def verified_path(self, stored: StoredFile) -> Path:
        """Path of a file whose size and sha256 agree with the manifest.

        Raises:
            CheckpointError: missing or different.
        """
        path = self.root / stored.file
        remedy = "restore it (git checkout, or download again) or run make-zoo."
        if not path.is_file():
            raise CheckpointError(f"{path} is missing; {remedy}")
        if path.stat().st_size != stored.bytes or sha256_of(path) != stored.sha256:
            raise CheckpointError(f"{path} differs from its manifest entry; {remedy}")
        return path

    def tensors(self, name: str) -> dict[str, Tensor]:
        """The checkpoint's tensors; floating-point ones as float32."""
        entry = self.entry(name)
        try:
            tensors = load_file(self.verified_path(entry.stored))
        except SafetensorError as error:
            raise CheckpointError(f"{entry.stored.file} is not a safetensors file.") from error
        return {
            key: tensor.float() if tensor.is_floating_point() else tensor
            for key, tensor in tensors.items()
        }

    def load_classifier(self, name: str) -> Classifier:
        """A target or evaluator on the CPU, frozen, in evaluation mode."""
        entry = self._entry_of(name, ("target", "evaluator"))
        classifier = self._build(entry)
        self._load_strictly(classifier.network, entry)
        return _frozen(classifier)

    def load_embedder(self, name: str = "embedder") -> FaceEmbedder:
        entry = self._entry_of(name, ("embedder",))
        embedder = FaceEmbedder(self._build(entry))
        self._load_strictly(embedder.network, entry)
        return _frozen(embedder)

    def load_attribute_heads(self, name: str = "attributes") -> Classifier:
        """The attribute heads; see ``mia_demo.models.attributes``.

        Raises:
            CheckpointError: trained on other definitions than this program's.
        """
        entry = self._entry_of(name, ("attributes",))
        if entry.training.get("recipe", {}).get("attributes") != definitions():
            raise CheckpointError(
                f"{entry.stored.file} was trained on other definitions of the attributes; "
                "run make-zoo."
            )
        heads = self._build(entry)
        self._load_strictly(heads.network, entry)
        return _frozen(heads)

    def load_prior(self, name: str = "prior") -> Generator:
        entry = self._entry_of(name, ("prior",))
        try:
            generator = Generator(**entry.arguments)
        except (TypeError, ValueError) as error:
            raise CheckpointError(f"{name}: the manifest's arguments are wrong: {error}") from error
        self._load_strictly(generator, entry)
        return _frozen(generator)

    def identities(self) -> IdentitySet:
        """The private identities, from verified zip parts."""
        if not self.manifest.identities:
            raise CheckpointError(f"The zoo {self.root} holds no identities; run make-zoo.")
        return open_identity_set([self.verified_path(part) for part in self.manifest.identities])

    def split(
        self, identities: IdentitySet, size: int, split: str, images: int | None = None
    ) -> tuple[Tensor, Tensor]:
        """Images uint8 and labels of the ``train`` or ``test`` split.

        Args:
            images: the first so many of each identity only.
        """
        if split not in ("train", "test"):
            raise ConfigError(f"No split {split!r}; use train or test.")
        items = []
        for label, entries in enumerate(identities.entries):
            first_test = self.first_test(len(entries))
            chosen = range(first_test) if split == "train" else range(first_test, len(entries))
            items += [(label, index) for index in chosen[:images]]
        return identities.items(size, items)

    def first_test(self, available: int) -> int:
        """Of an identity's images, the index of the first that is never trained on.

        One image at least is kept for the test, also of an identity with few of them.
        """
        return min(self.manifest.train_images, available - 1)

    def _entry_of(self, name: str, kinds: tuple[str, ...]) -> CheckpointEntry:
        entry = self.entry(name)
        if entry.kind not in kinds:
            raise CheckpointError(
                f"{name!r} is of kind {entry.kind}; here a {' or '.join(kinds)} is needed."
            )
        return entry

    def _build(self, entry: CheckpointEntry) -> Classifier:
        if entry.num_classes is None:
            raise CheckpointError(f"{entry.name}: the manifest gives no class count.")
        try:
            return build_classifier(
                entry.architecture, entry.num_classes, entry.input_size, entry.arguments
            )
        except ConfigError as error:
            raise CheckpointError(f"{entry.name}: {error}") from error

    def _load_strictly(self, network: nn.Module, entry: CheckpointEntry) -> None:
        try:
            network.load_state_dict(self.tensors(entry.name), strict=True)
        except RuntimeError as error:
            raise CheckpointError(
                f"{entry.stored.file} does not fit architecture {entry.architecture} of its "
                f"manifest entry; the manifest or the file is wrong."
            ) from error

    def is_made(self, name: str, recipe: dict[str, Any]) -> bool:
        """Whether the checkpoint is there and was trained with this recipe."""
        return any(
            entry.name == name and entry.training.get("recipe") == recipe
            for entry in self.manifest.checkpoints
        )

    # -- writing ------------------------------------------------------------------------------

    def add(
        self, entry: CheckpointEntry, tensors: Mapping[str, Tensor], dtype: torch.dtype
    ) -> None:
        """Writes a checkpoint and its manifest entry, replacing one of the same name.

        ``entry.stored`` and ``entry.versions`` are filled in here.
        """
        file = f"{entry.name}.safetensors"
        whole = {
            key: (tensor.detach().to(dtype) if tensor.is_floating_point() else tensor.detach())
            .cpu()
            .contiguous()
            for key, tensor in tensors.items()
        }
        with replacing(self.root / file) as temporary:
            save_file(whole, temporary)
        self._put(replace(entry, stored=self._stored(file), versions=library_versions()))

    def adopt(self, source: Zoo, entry: CheckpointEntry, name: str) -> None:
        """Takes over a checkpoint of another zoo under ``name``."""
        stored = replace(entry.stored, file=f"{name}.safetensors")
        with replacing(self.root / stored.file) as temporary:
            shutil.copyfile(source.verified_path(entry.stored), temporary)
        self._put(replace(entry, name=name, stored=stored))

    def adopt_identities(self, source: Zoo) -> None:
        """Takes over the identities of another zoo."""
        for part in source.manifest.identities:
            with replacing(self.root / part.file) as temporary:
                shutil.copyfile(source.verified_path(part), temporary)
        manifest = source.manifest
        self._write(
            replace(
                self.manifest, identities=manifest.identities, train_images=manifest.train_images
            )
        )

    def remove(self, name: str) -> None:
        """Deletes a checkpoint.

        Raises:
            CheckpointError: there is none of this name.
        """
        gone = self.entry(name)
        others = [entry for entry in self.manifest.checkpoints if entry is not gone]
        self._write(replace(self.manifest, checkpoints=others))
        (self.root / gone.stored.file).unlink(missing_ok=True)

    def set_identities(self, files: list[str], train_images: int) -> None:
        """Registers zip parts that lie in the folder already."""
        parts = [self._stored(file) for file in files]
        self._write(replace(self.manifest, identities=parts, train_images=train_images))

    def _put(self, entry: CheckpointEntry) -> None:
        others = [e for e in self.manifest.checkpoints if e.name != entry.name]
        self._write(replace(self.manifest, checkpoints=[*others, entry]))

    def _stored(self, file: str) -> StoredFile:
        path = self.root / file
        return StoredFile(file, path.stat().st_size, sha256_of(path))

    def _write(self, manifest: Manifest) -> None:
        write_json(self.root / MANIFEST, manifest.to_json())
        self.manifest = manifest


UNSTORED = StoredFile("unstored", 0, "")


def open_zoo(location: str | Path | None = None) -> Zoo:
    """Opens a zoo folder; None is the embedded one."""
    return _open_cached(Path(location) if location else EMBEDDED_ZOO)


@lru_cache(maxsize=4)
def _open_cached(root: Path) -> Zoo:
    return Zoo(root)


def library_versions() -> dict[str, str]:
    return {
        "mia_demo": __version__,
        "torch": torch.__version__,
        "torchvision": version("torchvision"),
    }


def _read_manifest(root: Path) -> Manifest:
    path = root / MANIFEST
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise CheckpointError(f"{root} is no zoo: it has no {MANIFEST}.") from error
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{path} cannot be read ({error}); restore it.") from error
    if not isinstance(values, dict) or values.get("format") != FORMAT:
        raise CheckpointError(f"{path} is not a manifest of format {FORMAT}; update this program.")
    try:
        return Manifest(
            identities=[StoredFile(**part) for part in values["identities"]],
            train_images=int(values["train_images"]),
            checkpoints=[CheckpointEntry.from_json(entry) for entry in values["checkpoints"]],
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise CheckpointError(f"{path} lacks or misnames a field ({error}); restore it.") from error


def _frozen(network: Any) -> Any:
    return network.requires_grad_(False).eval()
