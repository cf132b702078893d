"""Checkpoints: the only module that reads or writes them.

A zoo is a folder with ``manifest.json``, one safetensors file a checkpoint, and the target
identities as zip parts. Files are checked against the manifest's bytes and sha256 before they are
parsed, architectures are built from the manifest and weights loaded strictly. Nothing is ever
unpickled.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from mia_demo.data.attributes import definitions
from mia_demo.data.identities import IdentitySet, open_identity_set
from mia_demo.data.layouts import SplitSet, open_layout
from mia_demo.data.splits import Items, first_of_each, fixed_split
from mia_demo.errors import CheckpointError, ConfigError
from mia_demo.models.classifiers import Classifier, CompactResNet, build_classifier
from mia_demo.models.embedder import FaceEmbedder
from mia_demo.models.features import FaceFeatures
from mia_demo.models.stylegan2 import Generator
from mia_demo.system.files import replacing, sha256_of, write_json
from mia_demo.zoo.manifest import (
    MANIFEST,
    CheckpointEntry,
    IdentityFolder,
    Manifest,
    StoredFile,
    library_versions,
    read_manifest,
)

EMBEDDED_ZOO = Path(__file__).resolve().parents[2] / "checkpoints"


class Zoo:
    """A folder of checkpoints with a manifest.

    Args:
        root: the folder.
        origin: address of a zoo of the Hub, with its commit; None for a folder of one's own.

    Raises:
        CheckpointError: no manifest, or one this version does not understand.
    """

    def __init__(self, root: Path, origin: str | None = None) -> None:
        self.root = root
        self.origin = origin
        self.manifest = read_manifest(root)

    @staticmethod
    def create(root: Path) -> Zoo:
        """Opens the zoo in ``root``, made empty if there is none."""
        if not (root / MANIFEST).exists():
            write_json(root / MANIFEST, Manifest().to_json())
        return Zoo(root)

    def entries(self, kind: str) -> list[CheckpointEntry]:
        return [entry for entry in self.manifest.checkpoints if entry.kind == kind]

    def find(self, name: str) -> CheckpointEntry | None:
        return next((entry for entry in self.manifest.checkpoints if entry.name == name), None)

    def entry(self, name: str) -> CheckpointEntry:
        """
        Raises:
            CheckpointError: there is none of this name.
        """
        found = self.find(name)
        if found is not None:
            return found
        names = ", ".join(entry.name for entry in self.manifest.checkpoints) or "nothing"
        raise CheckpointError(f"{self._place} has no checkpoint {name!r}; it has {names}.")

    @property
    def _place(self) -> str:
        """For messages; where a cache lies is nobody's business."""
        return self.origin or f"The zoo {self.root}"

    def listed_files(self) -> list[StoredFile]:
        """All files of the zoo but the manifest itself."""
        return [*self.manifest.identities, *(entry.stored for entry in self.manifest.checkpoints)]

    def target_names(self) -> list[str]:
        """Lanes from the largest smoothing factor to the smallest."""
        targets = sorted(self.entries("target"), key=lambda entry: -(entry.alpha or 0.0))
        return [entry.name for entry in targets]

    def is_target(self, name: str) -> bool:
        """Whether a lane can be made of it."""
        return name in self.target_names()

    # -- reading ------------------------------------------------------------------------------

    def verified_path(self, stored: StoredFile) -> Path:
        """Path of a file whose size and sha256 agree with the manifest.

        Raises:
            CheckpointError: missing or different.
        """
        path = self.root / stored.file
        shown, remedy = str(path), "restore it (git checkout, or download again) or run make-zoo."
        if self.origin:
            shown = stored.file
            remedy = f"open {self.origin} again, then it is downloaded anew."
        if not path.is_file():
            raise CheckpointError(f"{shown} is missing; {remedy}")
        if path.stat().st_size != stored.bytes or sha256_of(path) != stored.sha256:
            raise CheckpointError(f"{shown} differs from its manifest entry; {remedy}")
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

    def load_features(self, name: str = "features") -> FaceFeatures:
        """The network that tells the prior's training and projections what looks alike."""
        entry = self._entry_of(name, ("features",))
        network = self._build(entry).network
        if not isinstance(network, CompactResNet):
            raise CheckpointError(f"{name}: features come from a compact_resnet alone.")
        self._load_strictly(network, entry)
        return _frozen(FaceFeatures(network))

    def load_attribute_heads(self, name: str = "attributes") -> Classifier:
        """The attribute heads; see ``mia_demo.models.attributes``.

        Raises:
            CheckpointError: trained on other definitions than this program's.
        """
        entry = self._entry_of(name, ("attributes",))
        if entry.training.recipe.get("attributes") != definitions():
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
        """The private identities, from verified zip parts or their folder."""
        if self.manifest.folder:
            return open_folder(self.manifest.folder).identities
        if not self.manifest.identities:
            raise CheckpointError(f"{self._place} holds no identities; run make-zoo.")
        return open_identity_set([self.verified_path(part) for part in self.manifest.identities])

    def split(
        self, identities: IdentitySet, size: int, split: str, images: int | None = None
    ) -> tuple[Tensor, Tensor]:
        """Images uint8 and labels of the ``train`` or ``test`` split.

        Args:
            images: the first so many of each identity only.
        """
        items = self.split_items(identities)
        if split not in items:
            raise ConfigError(f"No split {split!r}; use train or test.")
        chosen = items[split] if images is None else first_of_each(items[split], images)
        return identities.items(size, chosen)

    def split_items(self, identities: IdentitySet) -> dict[str, Items]:
        """(label, index of the image) of the ``train`` and the ``test`` split."""
        if self.manifest.folder:
            whole = open_folder(self.manifest.folder)
            return {"train": whole.train, "test": whole.test}
        train, test = fixed_split(identities, self.manifest.train_images)
        return {"train": train, "test": test}

    def images_of(self, identities: IdentitySet, label: int, split: str) -> list[int]:
        """Which images of one identity are in the ``train`` or ``test`` split."""
        return [index for own, index in self.split_items(identities)[split] if own == label]

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
            entry.name == name and entry.training.recipe == recipe
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
        self.take(source.verified_path(entry.stored), entry, name)

    def take(self, path: Path, entry: CheckpointEntry, name: str) -> None:
        """Takes over a verified file under ``name``, byte by byte."""
        stored = replace(entry.stored, file=f"{name}.safetensors")
        with replacing(self.root / stored.file) as temporary:
            shutil.copyfile(path, temporary)
        self._put(replace(entry, name=name, stored=stored))

    def adopt_identities(self, source: Zoo) -> None:
        """Takes over the identities of another zoo."""
        for part in source.manifest.identities:
            with replacing(self.root / part.file) as temporary:
                shutil.copyfile(source.verified_path(part), temporary)
        manifest = source.manifest
        self._write(
            replace(
                self.manifest,
                identities=manifest.identities,
                train_images=manifest.train_images,
                folder=manifest.folder,
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

    def set_folder(self, folder: IdentityFolder) -> None:
        """Says where the identities lie, or where they have moved to.

        Raises:
            CheckpointError: the zoo holds identities itself.
        """
        if self.manifest.identities:
            raise CheckpointError(
                f"The zoo {self.root} holds identities of its own; choose another folder."
            )
        self._write(replace(self.manifest, folder=folder))

    def _put(self, entry: CheckpointEntry) -> None:
        others = [e for e in self.manifest.checkpoints if e.name != entry.name]
        self._write(replace(self.manifest, checkpoints=[*others, entry]))

    def _stored(self, file: str) -> StoredFile:
        path = self.root / file
        return StoredFile(file, path.stat().st_size, sha256_of(path))

    def _write(self, manifest: Manifest) -> None:
        write_json(self.root / MANIFEST, manifest.to_json())
        self.manifest = manifest


@lru_cache(maxsize=2)
def open_folder(folder: IdentityFolder) -> SplitSet:
    """Identities and split of a folder, without decoding pictures; read once."""
    return open_layout(folder.layout, Path(folder.path), folder.seed)


def open_zoo(location: str | Path | None = None) -> Zoo:
    """Opens a zoo folder; None is the embedded one. ``mia_demo.zoo.opening`` also asks the Hub."""
    return _open_cached(Path(location) if location else EMBEDDED_ZOO)


@lru_cache(maxsize=4)
def _open_cached(root: Path) -> Zoo:
    return Zoo(root)


def _frozen(network: Any) -> Any:
    return network.requires_grad_(False).eval()
