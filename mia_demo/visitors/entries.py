"""Manifest entries of strangers: read, and without the stranger's words."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from mia_demo.errors import CheckpointError
from mia_demo.system.json_files import parse_json
from mia_demo.zoo.manifest import MAX_ARGUMENTS, MAX_MANIFEST_BYTES, CheckpointEntry
from mia_demo.zoo.training_record import TrainingRecord
from mia_demo.zoo.values import quoted

MAX_LICENCE_LENGTH = 400


def read_entry(data: bytes, sha256: str) -> CheckpointEntry:
    """The entry of an uploaded target.

    Args:
        data: JSON of the entry, or of a manifest that lists it.
        sha256: of the weights, by which a manifest is searched.

    Raises:
        CheckpointError: no entry, one of another file, or not of a target.
    """
    if len(data) > MAX_MANIFEST_BYTES:
        raise CheckpointError(
            f"The manifest entry is larger than {MAX_MANIFEST_BYTES // 1_000_000} MB; send the "
            "entry alone."
        )
    try:
        values = parse_json(data)
    except ValueError as error:
        raise CheckpointError(
            "The manifest entry is not valid JSON; send it as manifest.json lists it."
        ) from error
    if isinstance(values, dict) and isinstance(values.get("checkpoints"), list):
        values = _listed(values["checkpoints"], sha256)
    entry = CheckpointEntry.from_json(values)
    if entry.kind != "target":
        raise CheckpointError(
            f"The entry is of kind {entry.kind}; only a target can be attacked and so be added."
        )
    return clean_entry(entry)


def clean_entry(entry: CheckpointEntry) -> CheckpointEntry:
    """What the program uses of an entry, and none of the stranger's further words.

    Raises:
        CheckpointError: an argument that is not taken from strangers.
    """
    for name, value in entry.arguments.items():
        if name not in MAX_ARGUMENTS or isinstance(value, str):
            raise CheckpointError(
                f"{entry.name}: the argument {quoted(name)} is not taken from others."
            )
    training = TrainingRecord(
        licence=entry.training.licence[:MAX_LICENCE_LENGTH],
        made_with=entry.training.made_with if entry.kind == "pool" else {},
    )
    return replace(entry, mean=0.5, std=0.5, alphas=None, training=training, versions={})


def _listed(checkpoints: list[Any], sha256: str) -> Mapping[str, Any]:
    for values in checkpoints:
        if isinstance(values, dict) and values.get("sha256") == sha256:
            return values
    raise CheckpointError(
        "The manifest lists no file with the sha256 of these weights; they are damaged, or of "
        "another zoo."
    )
