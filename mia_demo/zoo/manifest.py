"""What a zoo holds: its ``manifest.json``, every field checked when it is read."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

import torch

from mia_demo import __version__
from mia_demo.defences.label_smoothing import LabelSmoothing
from mia_demo.errors import CheckpointError
from mia_demo.smoothing import ALPHA_RANGE
from mia_demo.system.json_files import read_json
from mia_demo.zoo.identity_folder import SEEDS, IdentityFolder
from mia_demo.zoo.training_record import TrainingRecord
from mia_demo.zoo.values import (
    Rule,
    check_fields,
    check_values,
    items,
    number_in,
    optional,
    plain_object,
    quoted,
    rules_of,
    text,
    whole_in,
    word,
    word_of,
)
from mia_demo.zoo.values import named as object_of

MANIFEST = "manifest.json"
MANIFEST_FORMAT = 1
MAX_MANIFEST_BYTES = 4_000_000
CHECKPOINT_KINDS = (
    "target", "evaluator", "embedder", "features", "attributes", "pretrained", "prior", "pool",
    "student",
)  # fmt: skip
FILE_NAME = r"[A-Za-z0-9][A-Za-z0-9_.+@-]{0,99}"
CHECKPOINT_NAME = r"[A-Za-z0-9][A-Za-z0-9_.+@-]{0,63}"
# Constructor arguments and their largest value: nobody makes this machine build networks without
# end. Those of other architectures are torchvision's own.
MAX_ARGUMENTS = {
    "width": 1024,
    "blocks": 64,
    "stem_stride": 4,
    "growth_rate": 256,
    "block_config": 64,
    "num_init_features": 1024,
    "aux_logits": 1,
    "z_dim": 4096,
    "w_dim": 4096,
    "resolution": 2048,
    "channel_base": 2048 * 4096,
    "channel_max": 4096,
    "mapping_layers": 64,
    "conv_clamp": 65536,
}
MAX_OTHER_ARGUMENT = 4096
MAX_ARGUMENT_ITEMS = 8
LIST = Rule(lambda value: isinstance(value, list), "a list")


@dataclass(frozen=True)
class StoredFile:
    """A file of the zoo and what it must look like."""

    file: Annotated[str, word(FILE_NAME, "a plain name, not an unsafe file")]
    bytes: Annotated[int, whole_in(0, 2**42)]
    sha256: Annotated[str, word(r"[0-9a-f]{64}", "64 hexadecimal digits")]

    @staticmethod
    def from_json(values: Any, suffix: str) -> StoredFile:
        """
        Raises:
            CheckpointError: another kind of file, or no proper size and sha256.
        """
        check_fields(values, "A file of the manifest", StoredFile)
        stored = StoredFile(**values)
        if not stored.file.endswith(suffix):
            raise CheckpointError(
                f"The manifest lists {stored.file} where a {suffix} file belongs; pickled weights "
                "and other formats are never opened."
            )
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
        defence, strengths: what else its training does against attacks; see ``defences``.
        test_accuracy: measured share of right answers; of an embedder or features, rank-1
            on held-out people; of attribute heads, mean over the attributes on held-out people.
        training: how it came about.
    """

    name: Annotated[str, word(CHECKPOINT_NAME, "letters, digits and any of _.+@-")]
    kind: Annotated[str, word_of(*CHECKPOINT_KINDS)]
    stored: StoredFile
    architecture: Annotated[str, word(r"[a-z0-9_]{1,64}", "a name such as resnet18")]
    arguments: Annotated[dict[str, Any], plain_object()] = field(default_factory=dict)
    num_classes: Annotated[int | None, optional(whole_in(1, 1_000_000))] = None
    input_size: Annotated[int, whole_in(1, 4096)] = 64
    mean: Annotated[float, number_in(-1000, 1000)] = 0.5
    std: Annotated[float, number_in(0, 1000)] = 0.5
    alpha: Annotated[float | None, optional(number_in(*ALPHA_RANGE))] = None
    alphas: Annotated[list[float] | None, optional(items(number_in(*ALPHA_RANGE), 100_000))] = None
    defence: Annotated[str, word(r"[a-z0-9_]{1,64}", "a name such as midre")] = LabelSmoothing.name
    strengths: Annotated[dict[str, float], object_of(number_in(-1e6, 1e6))] = field(
        default_factory=dict
    )
    epochs: Annotated[int | None, optional(whole_in(0, 100_000))] = None
    seed: Annotated[int, SEEDS] = 0
    test_accuracy: Annotated[float | None, optional(number_in(0, 1))] = None
    train_accuracy: Annotated[float | None, optional(number_in(0, 1))] = None
    training: Annotated[TrainingRecord, plain_object()] = field(default_factory=TrainingRecord)
    versions: Annotated[dict[str, str], object_of(text(100))] = field(default_factory=dict)

    @property
    def is_defended(self) -> bool:
        """Whether its training had another defence than the smoothing factor."""
        return self.defence != LabelSmoothing.name

    def to_json(self) -> dict[str, Any]:
        values = asdict(self)
        if not self.is_defended:  # as in manifests from before there was a choice
            del values["defence"], values["strengths"]
        return {**values.pop("stored"), **values, "training": self.training.to_json()}

    @staticmethod
    def from_json(values: Any) -> CheckpointEntry:
        """
        Raises:
            CheckpointError: a field is missing, unknown, or of the wrong type or range.
        """
        name = values.get("name") if isinstance(values, dict) else None
        owner = f"Checkpoint {quoted(name)}" if isinstance(name, str) else "A checkpoint"
        check_fields(values, owner, StoredFile, CheckpointEntry)
        file = {key: value for key, value in values.items() if key in rules_of(StoredFile)}
        rest = {key: value for key, value in values.items() if key not in file}
        _check_arguments(rest.get("arguments", {}), owner)
        rest["training"] = TrainingRecord.from_json(rest.get("training", {}), owner)
        return CheckpointEntry(stored=StoredFile.from_json(file, ".safetensors"), **rest)


@dataclass(frozen=True)
class Manifest:
    """The zoo's table of contents."""

    identities: Annotated[list[StoredFile], LIST] = field(default_factory=list)
    # Of each identity; the rest is the test split.
    train_images: Annotated[int, whole_in(1, 1_000_000)] = 48
    folder: Annotated[IdentityFolder | None, plain_object()] = None  # instead of the two above
    checkpoints: Annotated[list[CheckpointEntry], LIST] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        return {
            "format": MANIFEST_FORMAT,
            "identities": [asdict(part) for part in self.identities],
            "train_images": self.train_images,
            **({"folder": asdict(self.folder)} if self.folder else {}),
            "checkpoints": [entry.to_json() for entry in self.checkpoints],
        }

    @staticmethod
    def from_json(values: Any) -> Manifest:
        """
        Raises:
            CheckpointError: a field is missing, unknown, or of the wrong type or range.
        """
        required = ("format", "identities", "train_images", "checkpoints")
        rules = {"format": whole_in(MANIFEST_FORMAT, MANIFEST_FORMAT), **rules_of(Manifest)}
        check_values(values, rules, "The manifest", required=required)
        folder = values.get("folder")
        if folder is not None:
            check_fields(folder, "The manifest's folder", IdentityFolder)
        return Manifest(
            identities=[StoredFile.from_json(part, ".zip") for part in values["identities"]],
            train_images=values["train_images"],
            folder=IdentityFolder(**folder) if folder is not None else None,
            checkpoints=[CheckpointEntry.from_json(entry) for entry in values["checkpoints"]],
        )


UNSTORED = StoredFile("unstored", 0, "")


def read_manifest(root: Path) -> Manifest:
    """
    Raises:
        CheckpointError: none there, or one this version does not understand.
    """
    path = root / MANIFEST
    try:
        if path.stat().st_size > MAX_MANIFEST_BYTES:
            raise CheckpointError(f"{path} is too large for a manifest; restore it.")
        values = read_json(path)
    except FileNotFoundError as error:
        raise CheckpointError(f"{root} is not a zoo: it has no {MANIFEST}.") from error
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{path} cannot be read ({error}); restore it.") from error
    if not isinstance(values, dict) or values.get("format") != MANIFEST_FORMAT:
        raise CheckpointError(
            f"{path} is not a manifest of format {MANIFEST_FORMAT}; update this program."
        )
    try:
        return Manifest.from_json(values)
    except CheckpointError as error:
        raise CheckpointError(f"{path}: {error} Restore it.") from error


def library_versions() -> dict[str, str]:
    return {
        "mia_demo": __version__,
        "torch": torch.__version__,
        "torchvision": version("torchvision"),
    }


def _check_arguments(arguments: dict[str, Any], owner: str) -> None:
    for name, value in arguments.items():
        most = MAX_ARGUMENTS.get(name, MAX_OTHER_ARGUMENT)
        numbers = value if isinstance(value, list) else [value]
        if len(numbers) > MAX_ARGUMENT_ITEMS or not all(
            isinstance(one, (bool, str, type(None))) or number_in(0, most).holds(one)
            for one in numbers
        ):
            raise CheckpointError(f"{owner}: the argument {quoted(name)} must lie in 0 to {most}.")
