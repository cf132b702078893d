"""What is taken of strangers' checkpoints, and what is refused before it costs anything."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from mia_demo.errors import CheckpointError
from mia_demo.system.files import sha256_of
from mia_demo.visitors.entries import clean_entry, read_entry
from mia_demo.visitors.networks import (
    check_classifier_weights,
    check_file,
    check_prior_weights,
    fits_pool,
)
from mia_demo.zoo.manifest import MAX_MANIFEST_BYTES, CheckpointEntry, StoredFile
from mia_demo.zoo.reading import Zoo
from mia_demo.zoo.training_record import TrainingRecord
from tests.tiny_zoo import PEOPLE, make_tiny_zoo

Change = Callable[..., bytes]


@pytest.fixture
def tiny(tmp_path: Path) -> Zoo:
    return make_tiny_zoo(tmp_path / "tiny")


@pytest.fixture
def entry_with(tiny: Zoo) -> Change:
    """The JSON of the target ``zero``, changed."""

    def changed(**change: Any) -> bytes:
        return json.dumps({**tiny.entry("zero").to_json(), **change}).encode()

    return changed


def sha256(tiny: Zoo) -> str:
    return tiny.entry("zero").stored.sha256


def test_an_entry_is_taken_alone_or_out_of_its_manifest(tiny: Zoo, entry_with: Change) -> None:
    wanted = clean_entry(tiny.entry("zero"))
    assert read_entry(entry_with(), sha256(tiny)) == wanted
    manifest = (tiny.root / "manifest.json").read_bytes()
    assert read_entry(manifest, sha256(tiny)) == wanted
    with pytest.raises(CheckpointError, match="lists no file with the sha256 of these weights"):
        read_entry(manifest, "0" * 64)


def test_a_strangers_words_are_not_kept_but_for_the_licence(entry_with: Change) -> None:
    training = {"licence": "mine" * 200, "recipe": {"x": "<b>"}, "source": "uploaded"}
    entry = read_entry(entry_with(training=training, versions={"x": "<b>"}, alphas=[0.1]), "")
    assert entry.training == TrainingRecord(licence=("mine" * 200)[:400])
    assert entry.versions == {}
    assert entry.alphas is None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"alpha": "<img>"}, "alpha must be a number in -1000 to 1"),
        ({"alpha": float("nan")}, "alpha must be"),
        ({"alpha": True}, "alpha must be"),
        ({"alpha": 10**30}, "alpha must be"),
        ({"alpha": 10**400}, "alpha must be"),
        ({"licence": "\ud800"}, "unknown field"),
        ({"training": {"source": "\ud800"}}, "training must be"),
        ({"test_accuracy": 99.0}, "test_accuracy must be a number in 0 to 1"),
        ({"num_classes": "3"}, "num_classes must be a whole number in 1 to 1000000"),
        ({"input_size": 1.5}, "input_size must be a whole number"),
        ({"seed": 2**63}, "seed must be a whole number"),
        ({"architecture": "../resnet18"}, "architecture must be a name"),
        ({"arguments": [1]}, "arguments must be an object"),
        ({"arguments": {"blocks": 10**9}}, "argument 'blocks' must lie in 0 to 64"),
        ({"arguments": {"width": [4] * 99}}, "argument 'width' must lie"),
        ({"arguments": {"weights": "DEFAULT"}}, "argument 'weights' is not taken from others"),
        ({"kind": "evaluator"}, "of kind evaluator; only a target can be attacked"),
        ({"kind": "virus"}, "kind must be target or evaluator"),
        ({"name": "a/b"}, "name must be letters, digits"),
        ({"name": 7}, "name must be letters"),
        ({"file": "../../x.safetensors"}, "unsafe file"),
        ({"file": "zero.pt"}, "pickled weights and other formats are never opened"),
        ({"sha256": "abc"}, "sha256 must be 64 hexadecimal digits"),
        ({"surprise": 1}, "unknown field 'surprise'"),
    ],
)
def test_every_value_of_an_entry_is_checked(
    entry_with: Change, change: dict[str, Any], message: str
) -> None:
    with pytest.raises(CheckpointError, match=message):
        read_entry(entry_with(**change), "")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"\x80\x04K\x01.", "is not valid JSON"),
        (b"[" * 100_000, "is not valid JSON"),
        (b"[1]", "must be a JSON object"),
        (b"{}", "lacks file"),
        (b" " * (MAX_MANIFEST_BYTES + 1), "larger than 4 MB"),
    ],
)
def test_what_is_no_entry_is_refused(data: bytes, message: str) -> None:
    with pytest.raises(CheckpointError, match=message):
        read_entry(data, "")


def test_size_and_sha256_are_compared_before_anything_is_parsed(tiny: Zoo) -> None:
    stored = tiny.entry("zero").stored
    path = tiny.root / stored.file
    check_file(path, stored)
    with pytest.raises(CheckpointError, match="bytes, their entry says 5"):
        check_file(path, replace(stored, bytes=5))
    with pytest.raises(CheckpointError, match="sha256 of the weights is not that of their entry"):
        check_file(path, replace(stored, sha256="0" * 64))


def changed(tiny: Zoo, name: str, **change: Any) -> CheckpointEntry:
    """An entry that says something else of a checkpoint."""
    return replace(clean_entry(tiny.entry(name)), **change)


def test_a_classifier_that_fits_is_taken(tiny: Zoo) -> None:
    check_classifier_weights(tiny, clean_entry(tiny.entry("zero")), PEOPLE)
    check_prior_weights(tiny, clean_entry(tiny.entry("prior")))
    assert fits_pool(tiny, tiny.entry("pool"), PEOPLE)
    assert not fits_pool(tiny, tiny.entry("pool"), PEOPLE + 1)
    assert not fits_pool(tiny, tiny.entry("zero"), PEOPLE)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"num_classes": 4}, "tells 4 people apart, not 3"),
        ({"input_size": 100_000}, "pictures of 100000 pixels; 16 to 299 are supported"),
        ({"architecture": "resnet18", "arguments": {}}, "does not fit architecture resnet18"),
        ({"arguments": {"width": 256, "blocks": 16}}, "does not fit architecture compact_resnet"),
        ({"architecture": "nothing"}, "cannot be built here: No architecture 'nothing'"),
        ({"architecture": "vit_b_16", "arguments": {"width": 4}}, "cannot be built here"),
    ],
)
def test_another_network_than_the_weights_is_refused(
    tiny: Zoo, change: dict[str, Any], message: str
) -> None:
    with pytest.raises(CheckpointError, match=message):
        check_classifier_weights(tiny, changed(tiny, "zero", **change), PEOPLE)


def replace_file(tiny: Zoo, name: str, data: bytes) -> CheckpointEntry:
    """Other bytes, of which the manifest knows."""
    path = tiny.root / tiny.entry(name).stored.file
    path.write_bytes(data)
    return changed(tiny, name, stored=StoredFile(path.name, len(data), sha256_of(path)))


def test_a_pickle_with_the_right_hash_is_not_opened(tiny: Zoo) -> None:
    entry = replace_file(tiny, "zero", pickle.dumps({"weight": 1}))
    with pytest.raises(CheckpointError, match="is not a safetensors file"):
        check_classifier_weights(tiny, entry, PEOPLE)


def test_weights_that_are_no_numbers_are_refused(tiny: Zoo, tmp_path: Path) -> None:
    tensors = tiny.tensors("zero")
    tensors["fc.bias"] = torch.full_like(tensors["fc.bias"], torch.nan)
    save_file(tensors, tmp_path / "nan.safetensors")
    entry = replace_file(tiny, "zero", (tmp_path / "nan.safetensors").read_bytes())
    with pytest.raises(CheckpointError, match="zero gives no finite numbers"):
        check_classifier_weights(tiny, entry, PEOPLE)


def test_a_prior_must_make_what_it_says(tiny: Zoo) -> None:
    with pytest.raises(CheckpointError, match="makes pictures of 16 pixels, but its input_size"):
        check_prior_weights(tiny, changed(tiny, "prior", input_size=32))
    larger = {**tiny.entry("prior").arguments, "resolution": 1024}
    with pytest.raises(CheckpointError, match="cannot be built here: its arguments do not fit"):
        check_prior_weights(tiny, changed(tiny, "prior", input_size=1024, arguments=larger))
    larger["channel_base"] = 65536
    with pytest.raises(CheckpointError, match="does not fit architecture stylegan2"):
        check_prior_weights(tiny, changed(tiny, "prior", input_size=1024, arguments=larger))
