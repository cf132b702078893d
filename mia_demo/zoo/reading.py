"""Reading checkpoints and identities of a zoo, wherever it lies.

Files are checked against the manifest's bytes and sha256 before they are parsed, architectures are
built from the manifest and weights are loaded strictly. Nothing is ever unpickled.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, TypeVar

from torch import Tensor, nn

from mia_demo.data.attributes import definitions
from mia_demo.data.identities import IdentitySet, open_identity_set
from mia_demo.data.splits import Items, first_items
from mia_demo.defences.registry import build_defence
from mia_demo.errors import CheckpointError, ConfigError
from mia_demo.models.classifiers import Classifier, CompactResNet, build_classifier
from mia_demo.models.embedder import FaceEmbedder
from mia_demo.models.features import FaceFeatures
from mia_demo.models.stylegan2 import Generator
from mia_demo.zoo.fitting import load_weights, read_tensors
from mia_demo.zoo.identity_folder import open_folder
from mia_demo.zoo.manifest import CheckpointEntry, Manifest, StoredFile

_Network = TypeVar("_Network", bound=nn.Module)


class Zoo(ABC):
    """Checkpoints and identities, listed by a manifest.

    Attributes:
        root: the folder with the manifest.
        origin: address of a zoo from the Hub, with its commit; None for a folder on this machine.
    """

    root: Path
    origin: str | None

    # -- what each kind of zoo provides ---------------------------------------------------------

    @property
    @abstractmethod
    def manifest(self) -> Manifest: ...

    @abstractmethod
    def verified_path(self, stored: StoredFile) -> Path:
        """Path of a file whose size and sha256 agree with the manifest.

        Raises:
            CheckpointError: missing or different.
        """

    @abstractmethod
    def split_items(self, identities: IdentitySet) -> dict[str, Items]:
        """(label, index of the photo) of the ``train`` and the ``test`` split."""

    # -- what is in it --------------------------------------------------------------------------

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
        """Lanes, from the largest smoothing factor to the smallest, then other defences."""
        targets = sorted(
            self.entries("target"), key=lambda entry: (entry.is_defended, -(entry.alpha or 0.0))
        )
        return [entry.name for entry in targets]

    def default_lanes(self) -> list[str]:
        """Lanes attacked by default: they differ in the smoothing factor alone.

        Those of other defences are attacked by name; a zoo that has nothing else shows them all.
        """
        names = self.target_names()
        return [name for name in names if not self.entry(name).is_defended] or names

    def is_target(self, name: str) -> bool:
        """Whether a lane can be made of it."""
        return name in self.target_names()

    def is_made(self, name: str, recipe: dict[str, Any]) -> bool:
        """Whether the checkpoint is there and was trained with this recipe."""
        found = self.find(name)
        return found is not None and found.training.recipe == recipe

    # -- checkpoints ----------------------------------------------------------------------------

    def tensors(self, name: str) -> dict[str, Tensor]:
        """The checkpoint's tensors; floating-point ones as float32."""
        return read_tensors(self.verified_path(self.entry(name).stored))

    def load_classifier(self, name: str) -> Classifier:
        """A target, evaluator or student on the CPU, frozen, in evaluation mode."""
        return self._classifier(self._entry_of(name, "target", "evaluator", "student"))

    def load_embedder(self, name: str = "embedder") -> FaceEmbedder:
        return FaceEmbedder(self._classifier(self._entry_of(name, "embedder"))).eval()

    def load_features(self, name: str = "features") -> FaceFeatures:
        """The network that tells the prior's training and projections what looks alike."""
        network = self._classifier(self._entry_of(name, "features")).network
        if not isinstance(network, CompactResNet):
            raise CheckpointError(f"{name}: features come from a compact_resnet alone.")
        return FaceFeatures(network).requires_grad_(False).eval()

    def load_attribute_heads(self, name: str = "attributes") -> Classifier:
        """The attribute heads; see ``mia_demo.models.attributes``.

        Raises:
            CheckpointError: trained on other definitions than this program's.
        """
        entry = self._entry_of(name, "attributes")
        if entry.training.recipe.get("attributes") != definitions():
            raise CheckpointError(
                f"{entry.stored.file} was trained on other definitions of the attributes; "
                "run make-zoo."
            )
        return self._classifier(entry)

    def load_prior(self, name: str = "prior") -> Generator:
        entry = self._entry_of(name, "prior")
        return self._load(entry, partial(Generator, **entry.arguments))

    # -- identities -----------------------------------------------------------------------------

    def identities(self) -> IdentitySet:
        """The private identities, from verified zip parts or their folder."""
        if self.manifest.folder:
            return open_folder(self.manifest.folder).identities
        if not self.manifest.identities:
            raise CheckpointError(f"{self._place} holds no identities; run make-zoo.")
        parts = self.manifest.identities
        paths = tuple(self.verified_path(part) for part in parts)
        return _listed(paths, tuple(part.sha256 for part in parts))

    def split(
        self, identities: IdentitySet, size: int, split: str, images: int | None = None
    ) -> tuple[Tensor, Tensor]:
        """Photos, uint8 [N, 3, size, size], and labels of the ``train`` or ``test`` split.

        Args:
            images: the first so many of each identity only.
        """
        items = self.split_items(identities)
        if split not in items:
            raise ConfigError(f"No split {split!r}; use train or test.")
        chosen = items[split] if images is None else first_items(items[split], images)
        return identities.items(size, chosen)

    def images_of(self, identities: IdentitySet, label: int, split: str) -> list[int]:
        """Which photos of one identity are in the ``train`` or ``test`` split."""
        return [index for own, index in self.split_items(identities)[split] if own == label]

    # -------------------------------------------------------------------------------------------

    def _entry_of(self, name: str, *kinds: str) -> CheckpointEntry:
        entry = self.entry(name)
        if entry.kind not in kinds:
            raise CheckpointError(
                f"{name!r} is of kind {entry.kind}; here a {' or '.join(kinds)} is needed."
            )
        return entry

    def _classifier(self, entry: CheckpointEntry) -> Classifier:
        classes, size = entry.num_classes, entry.input_size
        if classes is None:
            raise CheckpointError(f"{entry.name}: the manifest gives no class count.")

        def build() -> nn.Module:
            network = build_classifier(entry.architecture, classes, size, entry.arguments).network
            build_defence(entry.defence, entry.strengths).change(network)
            return network

        return Classifier(self._load(entry, build), classes, size).eval()

    def _load(self, entry: CheckpointEntry, build: Callable[[], _Network]) -> _Network:
        return load_weights(self.verified_path(entry.stored), entry, build)


@lru_cache(maxsize=8)
def _listed(paths: tuple[Path, ...], sha256: tuple[str, ...]) -> IdentitySet:
    """The set in verified zips. To list thousands of photos takes longer than to hash them."""
    return open_identity_set(paths)


class SelectedZoo(Zoo):
    """Some of another zoo's checkpoints, perhaps with corrected entries; its identities are all.

    Args:
        checkpoints: entries of files that the other zoo has.
    """

    def __init__(self, whole: Zoo, checkpoints: list[CheckpointEntry]) -> None:
        self.root, self.origin = whole.root, whole.origin
        self._whole, self._checkpoints = whole, checkpoints

    @property
    def manifest(self) -> Manifest:
        return replace(self._whole.manifest, checkpoints=self._checkpoints)

    def verified_path(self, stored: StoredFile) -> Path:
        return self._whole.verified_path(stored)

    def split_items(self, identities: IdentitySet) -> dict[str, Items]:
        return self._whole.split_items(identities)
