"""From a foreign file of weights to a checkpoint of a zoo.

Which kind of file it is, its content decides, never its name.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn

from mia_demo.convert import classifiers, generators, rosinality
from mia_demo.convert.claims import TensorClaim
from mia_demo.convert.restricted_pickle import printable
from mia_demo.convert.safetensors_files import is_safetensors, read_safetensors
from mia_demo.convert.state_dicts import find_state_dict
from mia_demo.convert.stylegan2_pkl import read_stylegan2_pkl
from mia_demo.convert.torch_files import TorchFile, is_torch_file, read_torch_file
from mia_demo.errors import ConfigError, ConversionError
from mia_demo.models.classifiers import build_classifier
from mia_demo.models.stylegan2 import Generator
from mia_demo.smoothing import check_alpha
from mia_demo.system.files import sha256_of
from mia_demo.system.json_files import parse_json
from mia_demo.zoo.folder import FolderZoo
from mia_demo.zoo.manifest import CHECKPOINT_NAME, UNSTORED, CheckpointEntry
from mia_demo.zoo.training_record import TrainingRecord

PICKLE_START = b"\x80"
MAX_FILE_BYTES = 4 << 30
CLASSIFIER_KINDS = ("target", "evaluator")

# What the publishers of foreign weights allow: shown at conversion and kept in the manifest.
STYLEGAN2_LICENCE = (
    "NVIDIA's StyleGAN2 weights and what is derived from them are under the NVIDIA Source Code "
    "License (https://nvlabs.github.io/stylegan2-ada-pytorch/license.html): research and "
    "evaluation only, non-commercial. Converting changes nothing about that."
)
CLASSIFIER_LICENCE = (
    "The paper's reference code is under the MIT licence, but its checkpoints were trained on "
    "photos of people with terms of their own (CelebA: non-commercial research only). Read those "
    "before you publish weights or reconstructions."
)


@dataclass(frozen=True)
class ClassifierFacts:
    """What a classifier's file does not tell; None = not stated.

    Attributes:
        kind: ``target`` or ``evaluator``.
        alpha: smoothing factor of its training; a target needs it.
        architecture: torchvision name, checked against the file.
        input_size: pixels (default: what the reference code trains at).
        class_names: file with one name per line, or a JSON list, in the order of the classes.
    """

    kind: str | None = None
    alpha: float | None = None
    architecture: str | None = None
    input_size: int | None = None
    class_names: Path | None = None

    def __post_init__(self) -> None:
        if self.kind not in (None, *CLASSIFIER_KINDS):
            raise ConfigError(f"A classifier's kind is target or evaluator, not {self.kind!r}.")
        if self.alpha is not None:
            check_alpha(self.alpha)
        if self.input_size is not None and not 32 <= self.input_size <= 1024:
            raise ConfigError(f"Input size must lie in 32..1024, not {self.input_size}.")


def convert_file(
    source: Path, zoo: Path, name: str | None, facts: ClassifierFacts, log: Callable[[str], None]
) -> CheckpointEntry:
    """Writes the network in ``source`` into a zoo, new or existing, as a safetensors checkpoint.

    Args:
        source: StyleGAN2-ADA ``.pkl``, or what ``torch.save`` wrote of a generator or classifier.
        zoo: its folder.
        name: of the checkpoint; None = ``prior``, or the file's own name for a classifier.
        facts: what the file does not tell.
        log: gets the licence note.

    Raises:
        ConversionError: the file is refused or not understood.
        ConfigError: facts are missing or wrong, or the name is taken.
    """
    tensors, options = _read(source)
    if generators.is_generator(tensors, source.name):
        licence = STYLEGAN2_LICENCE
        if facts != ClassifierFacts():
            raise ConfigError(
                f"{source.name} is a generator; --kind, --alpha, --architecture, --input-size and "
                "--class-names are for classifiers."
            )
        entry, network = _prior(tensors, options, name, source.name)
    else:
        licence = CLASSIFIER_LICENCE
        found = classifiers.find_classifier(tensors, facts.architecture, source.name)
        tensors = found.tensors
        entry, network = _classifier(found, facts, name, source)
    record = replace(
        entry.training,
        converted_from={
            "file": source.name,
            "sha256": sha256_of(source),
            "parameters": sum(parameter.numel() for parameter in network.parameters()),
            "licence": licence,
        },
    )
    entry = replace(entry, training=record)
    plain = _plain(tensors, source.name)
    destination = FolderZoo.create(zoo)
    if any(other.name == entry.name for other in destination.manifest.checkpoints):
        raise ConfigError(
            f"{zoo} has a checkpoint {entry.name!r} already; choose another --name or folder."
        )
    destination.add(entry, plain, torch.float32)
    log(f"licence: {licence}")
    return destination.entry(entry.name)


def _read(source: Path) -> tuple[Mapping[str, Tensor], Mapping[str, Any]]:
    """Named tensors, and the options of a pickled generator."""
    try:
        size = source.stat().st_size
        if size > MAX_FILE_BYTES:
            raise ConversionError(
                f"{source.name} is larger than {MAX_FILE_BYTES >> 30} GiB: refused."
            )
        with source.open("rb") as stream:
            start = stream.read(64)
        if is_torch_file(start):
            return _of_torch(read_torch_file(source), source.name, size), {}
        if is_safetensors(start, size):
            tensors = find_state_dict(read_safetensors(source), source.name)
            return _network(cast(dict[str, Tensor], tensors), None, source.name), {}
        if start.startswith(PICKLE_START):
            return read_stylegan2_pkl(source.read_bytes(), source.name)
    except OSError as error:
        raise ConversionError(f"Cannot read {source} ({error.strerror}).") from error
    raise ConversionError(
        f"{source.name} is neither a pickle nor a file of torch.save or safetensors; convert takes "
        "StyleGAN2 network pickles, .pt, .pth and .safetensors files."
    )


def _of_torch(file: TorchFile, source: str, file_bytes: int) -> Mapping[str, Tensor]:
    claims = cast(dict[str, TensorClaim], find_state_dict(file.content, source))
    if sum(claim.bytes for claim in claims.values()) > 2 * file_bytes:  # some weights are tied
        raise ConversionError(
            f"{source} reuses the same numbers too often: refused; save a plain state_dict."
        )
    average = file.content.get(rosinality.AVERAGE)
    if average is not None and not isinstance(average, TensorClaim):
        raise ConversionError(f"{source}: {rosinality.AVERAGE} is not a tensor.")
    return _network(
        {key: file.tensor(claim) for key, claim in claims.items()},
        None if average is None else file.tensor(average),
        source,
    )


def _network(
    tensors: Mapping[str, Tensor], average: Tensor | None, source: str
) -> Mapping[str, Tensor]:
    """The tensors of a generator in NVIDIA's layout; others as they are."""
    if rosinality.ROSINALITY_INPUT not in tensors:
        return tensors
    try:
        return rosinality.official_layout(tensors, average, source)
    except (KeyError, RuntimeError, ValueError) as error:
        raise ConversionError(
            f"{source} looks like rosinality's StyleGAN2 but has an unusable mapping network "
            f"({type(error).__name__}); get it again from its publisher."
        ) from error


def _prior(
    tensors: Mapping[str, Tensor], options: Mapping[str, Any], name: str | None, source: str
) -> tuple[CheckpointEntry, nn.Module]:
    arguments = generators.generator_arguments(tensors, options, source)
    entry = CheckpointEntry(
        name=_checked_name(name or "prior"),
        kind="prior",
        stored=UNSTORED,
        architecture="stylegan2",
        arguments=arguments,
        input_size=arguments["resolution"],
    )
    with torch.device("meta"):
        return entry, Generator(**arguments)


def _classifier(
    found: classifiers.FoundClassifier, facts: ClassifierFacts, name: str | None, source: Path
) -> tuple[CheckpointEntry, nn.Module]:
    kind = facts.kind or "target"
    if kind == "target" and facts.alpha is None:
        raise ConfigError(
            "Say with --alpha which smoothing factor this target was trained with, such as "
            "--alpha=-0.05; --kind evaluator needs none."
        )
    input_size = facts.input_size or found.input_size
    names = _class_names(facts.class_names, found.num_classes) if facts.class_names else []
    entry = CheckpointEntry(
        name=_checked_name(name or source.stem),
        kind=kind,
        stored=UNSTORED,
        architecture=found.architecture,
        num_classes=found.num_classes,
        input_size=input_size,
        alpha=facts.alpha,
        training=TrainingRecord(class_names=names),
    )
    with torch.device("meta"):
        network = build_classifier(found.architecture, found.num_classes, input_size)
    return entry, network


def _class_names(path: Path, num_classes: int) -> list[str]:
    try:
        text = path.read_text(encoding="utf-8")
        names = parse_json(text) if path.suffix == ".json" else text.splitlines()
    except (OSError, ValueError) as error:
        raise ConfigError(f"Cannot read the class names in {path} ({error}).") from error
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise ConfigError(f"{path} is not a list of names: write one per line.")
    if len(names) != num_classes:
        raise ConfigError(f"{path} names {len(names)} classes; the network has {num_classes}.")
    return names


def _checked_name(name: str) -> str:
    if not re.fullmatch(CHECKPOINT_NAME, name):
        raise ConfigError(
            f"{printable(name)!r} is not a valid name of a checkpoint: use --name with letters, "
            "digits and any of . _ + -"
        )
    return name


def _plain(tensors: Mapping[str, Tensor], source: str) -> dict[str, Tensor]:
    """Copies that share nothing; whole numbers stay such, all others become float32."""
    plain = {}
    for key, tensor in tensors.items():
        kept = tensor.float() if tensor.is_floating_point() else tensor
        if not kept.isfinite().all():
            raise ConversionError(f"{source} holds infinite or undefined numbers in {key}.")
        plain[key] = kept.detach().clone(memory_format=torch.contiguous_format)
    return plain
