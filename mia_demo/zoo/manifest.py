"""What a zoo holds: its ``manifest.json``, every field checked when it is read."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from mia_demo import __version__
from mia_demo.errors import CheckpointError
from mia_demo.zoo.identity_folder import IdentityFolder
from mia_demo.zoo.training_record import TrainingRecord

MANIFEST = "manifest.json"
MANIFEST_FORMAT = 1
CHECKPOINT_KINDS = (
    "target", "evaluator", "embedder", "features", "attributes", "pretrained", "prior", "pool"
)  # fmt: skip
CHECKPOINT_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+@-]{0,63}")
SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class StoredFile:
    """A file of the zoo and what it must look like."""

    file: str
    bytes: int
    sha256: str

    def __post_init__(self) -> None:
        if Path(self.file).name != self.file or self.file.startswith("."):
            raise CheckpointError(f"The manifest names an unsafe file: {self.file!r}.")

    @staticmethod
    def from_json(values: Mapping[str, Any], suffix: str) -> StoredFile:
        """
        Raises:
            CheckpointError: another kind of file, or no proper size and sha256.
        """
        stored = StoredFile(values["file"], values["bytes"], values["sha256"])
        if not stored.file.endswith(suffix):
            raise CheckpointError(
                f"The manifest lists {stored.file} where a {suffix} file belongs; pickled weights "
                "and other formats are never opened."
            )
        if not (isinstance(stored.bytes, int) and stored.bytes >= 0):
            raise CheckpointError(f"The manifest gives no size of {stored.file}.")
        if not SHA256.fullmatch(stored.sha256):
            raise CheckpointError(f"The manifest gives no sha256 of {stored.file}.")
        return stored


@dataclass(frozen=True)
class CheckpointEntry:
    """What the manifest says of one checkpoint.

    Attributes:
        kind: one of ``CHECKPOINT_KINDS``.
        architecture, arguments: enough to build the network.
        num_classes: outputs (embedding width of embedder and features), None for prior and pool.
        input_size: pixels; of a prior, what it makes.
        alpha, alphas: smoothing factor and what every epoch really used (targets).
        test_accuracy: measured share of right answers; of an embedder or features, rank-1
            on held-out people; of attribute heads, mean over the attributes on held-out people.
        training: how it came about.
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
    training: TrainingRecord = field(default_factory=TrainingRecord)
    versions: dict[str, str] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        values = asdict(self)
        return {**values.pop("stored"), **values, "training": self.training.to_json()}

    @staticmethod
    def from_json(values: Mapping[str, Any]) -> CheckpointEntry:
        stored = StoredFile.from_json(values, ".safetensors")
        rest = {key: value for key, value in values.items() if key not in asdict(stored)}
        training = TrainingRecord.from_json(rest.pop("training", {}))
        entry = CheckpointEntry(stored=stored, training=training, **rest)
        if entry.kind not in CHECKPOINT_KINDS:
            raise CheckpointError(f"Checkpoint {entry.name!r} is of unknown kind {entry.kind!r}.")
        if not CHECKPOINT_NAME.fullmatch(entry.name):
            raise CheckpointError(f"The manifest names an unsafe checkpoint: {entry.name!r}.")
        return entry


@dataclass(frozen=True)
class Manifest:
    """The zoo's table of contents."""

    identities: list[StoredFile] = field(default_factory=list)
    train_images: int = 48  # of each identity, the rest is the test split
    folder: IdentityFolder | None = None  # instead of the two above
    checkpoints: list[CheckpointEntry] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        return {
            "format": MANIFEST_FORMAT,
            "identities": [asdict(part) for part in self.identities],
            "train_images": self.train_images,
            **({"folder": asdict(self.folder)} if self.folder else {}),
            "checkpoints": [entry.to_json() for entry in self.checkpoints],
        }


UNSTORED = StoredFile("unstored", 0, "")


def read_manifest(root: Path) -> Manifest:
    """
    Raises:
        CheckpointError: none there, or one this version does not understand.
    """
    path = root / MANIFEST
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise CheckpointError(f"{root} is no zoo: it has no {MANIFEST}.") from error
    except (OSError, ValueError, RecursionError) as error:
        raise CheckpointError(f"{path} cannot be read ({error}); restore it.") from error
    if not isinstance(values, dict) or values.get("format") != MANIFEST_FORMAT:
        raise CheckpointError(
            f"{path} is not a manifest of format {MANIFEST_FORMAT}; update this program."
        )
    try:
        return Manifest(
            identities=[StoredFile.from_json(part, ".zip") for part in values["identities"]],
            train_images=int(values["train_images"]),
            folder=IdentityFolder(**values["folder"]) if "folder" in values else None,
            checkpoints=[CheckpointEntry.from_json(entry) for entry in values["checkpoints"]],
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise CheckpointError(f"{path} lacks or misnames a field ({error}); restore it.") from error


def library_versions() -> dict[str, str]:
    return {
        "mia_demo": __version__,
        "torch": torch.__version__,
        "torchvision": version("torchvision"),
    }
