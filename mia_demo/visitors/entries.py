"""Manifest entries of strangers: read, and checked value by value."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from mia_demo.errors import CheckpointError
from mia_demo.system.json_files import parse_json
from mia_demo.zoo.manifest import CheckpointEntry
from mia_demo.zoo.training_record import TrainingRecord

MAX_ENTRY_BYTES = 4_000_000  # a whole manifest is taken as well
MAX_ABSOLUTE_ALPHA = 10.0
MAX_PRIOR_SIDE = 1024  # pixels a side, of a prior
MAX_LICENCE_LENGTH = 400
MAX_QUOTED = 100  # of what a message repeats
# Constructor arguments that are taken, and their largest value: nobody makes this machine build
# networks without end.
ARGUMENTS = {
    "width": 256,
    "blocks": 16,
    "stem_stride": 4,
    "growth_rate": 64,
    "block_config": 64,
    "num_init_features": 256,
    "aux_logits": 1,
    "z_dim": 1024,
    "w_dim": 1024,
    "resolution": MAX_PRIOR_SIDE,
    "channel_base": 65536,
    "channel_max": 1024,
    "mapping_layers": 16,
    "conv_clamp": 4096,
}
MAX_IN_A_LIST = 8
ARCHITECTURE = re.compile(r"[a-z0-9_]{1,64}")


def read_entry(data: bytes, sha256: str) -> CheckpointEntry:
    """The entry of an uploaded target.

    Args:
        data: JSON of the entry, or of a manifest that lists it.
        sha256: of the weights, by which a manifest is searched.

    Raises:
        CheckpointError: no entry, one of another file, or not of a target.
    """
    if len(data) > MAX_ENTRY_BYTES:
        raise CheckpointError(
            f"The manifest entry is larger than {MAX_ENTRY_BYTES // 1_000_000} MB; send the entry "
            "alone."
        )
    try:
        values = parse_json(data)
    except ValueError as error:
        raise CheckpointError(
            "The manifest entry is no JSON; send it as manifest.json lists it."
        ) from error
    if not isinstance(values, dict):
        raise CheckpointError("The manifest entry is no JSON object; send it as {…}.")
    if isinstance(values.get("checkpoints"), list):
        values = _listed(values["checkpoints"], sha256)
    try:
        entry = CheckpointEntry.from_json(values)
    except (KeyError, TypeError, AttributeError) as error:
        raise CheckpointError(
            f"The manifest entry lacks or misnames a field ({str(error)[:MAX_QUOTED]}); send it "
            "as manifest.json lists it."
        ) from error
    if entry.kind != "target":
        raise CheckpointError(
            f"The entry is of kind {entry.kind}; only a target can be attacked and so be added."
        )
    return clean_entry(entry)


def clean_entry(entry: CheckpointEntry) -> CheckpointEntry:
    """What the program uses of an entry, and none of the stranger's further words.

    Raises:
        CheckpointError: a value of the wrong type or out of range.
    """
    for name, number, low, high in (
        ("alpha", entry.alpha, -MAX_ABSOLUTE_ALPHA, MAX_ABSOLUTE_ALPHA),
        ("test_accuracy", entry.test_accuracy, 0.0, 1.0),
        ("train_accuracy", entry.train_accuracy, 0.0, 1.0),
    ):
        if number is not None and not (_is_number(number) and low <= number <= high):
            raise CheckpointError(f"{entry.name}: {name} must lie in {low:g} to {high:g}.")
    for name, whole in (
        ("num_classes", entry.num_classes or 0),
        ("input_size", entry.input_size),
        ("epochs", entry.epochs or 0),
        ("seed", entry.seed),
    ):
        if not (_is_whole(whole) and 0 <= whole < 2**63):
            raise CheckpointError(f"{entry.name}: {name} must be a whole number.")
    if not (isinstance(entry.architecture, str) and ARCHITECTURE.fullmatch(entry.architecture)):
        raise CheckpointError(f"{entry.name}: architecture must be a name such as resnet18.")
    _check_arguments(entry)
    return replace(entry, mean=0.5, std=0.5, alphas=None, training=_training(entry), versions={})


def _listed(checkpoints: list[Any], sha256: str) -> Mapping[str, Any]:
    for values in checkpoints:
        if isinstance(values, dict) and values.get("sha256") == sha256:
            return values
    raise CheckpointError(
        "The manifest lists no file with the sha256 of these weights; they are damaged, or of "
        "another zoo."
    )


def _check_arguments(entry: CheckpointEntry) -> None:
    arguments: Any = entry.arguments
    if not isinstance(arguments, dict):
        raise CheckpointError(f"{entry.name}: arguments must be a JSON object.")
    for name, value in arguments.items():
        if name not in ARGUMENTS:
            raise CheckpointError(
                f"{entry.name}: the argument {name[:MAX_QUOTED]!r} is not taken from others."
            )
        if value is None and name == "conv_clamp":
            continue
        numbers = value if isinstance(value, list) and len(value) <= MAX_IN_A_LIST else [value]
        if not all(
            isinstance(number, bool) or (_is_number(number) and 0 <= number <= ARGUMENTS[name])
            for number in numbers
        ):
            raise CheckpointError(f"{entry.name}: {name} must lie in 0 to {ARGUMENTS[name]}.")


def _training(entry: CheckpointEntry) -> TrainingRecord:
    """What a pool says of its making, and the licence of converted weights."""
    licence: Any = entry.training.licence
    made_with: Any = entry.training.made_with
    return TrainingRecord(
        licence=licence[:MAX_LICENCE_LENGTH] if isinstance(licence, str) else "",
        made_with=made_with if entry.kind == "pool" and isinstance(made_with, dict) else {},
    )


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
