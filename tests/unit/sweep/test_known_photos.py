"""Outputs for a zoo's own photos: kept, found again to the bit, and never taken for others."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from mia_demo.sweep import known_photos
from mia_demo.sweep.known_photos import KnownPhotos
from mia_demo.zoo.reading import Zoo
from tests.tiny_zoo import COMPUTE, PEOPLE, PHOTOS, SIZE, TRAIN, make_tiny_zoo


@pytest.fixture
def zoo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Zoo:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return make_tiny_zoo(tmp_path / "zoo")


def outputs(zoo: Zoo, name: str = "zero", split: str = "test") -> torch.Tensor:
    return KnownPhotos(zoo, SIZE, COMPUTE).outputs(name, zoo.load_classifier(name), split)


def files(tmp_path: Path) -> list[Path]:
    return sorted((tmp_path / "mia_demo" / "photos").iterdir())


def test_a_network_looks_at_the_photos_once(
    zoo: Zoo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = outputs(zoo)
    assert first.shape == (PEOPLE * (PHOTOS - TRAIN), PEOPLE)
    others = outputs(zoo, "positive"), outputs(zoo, split="train")
    assert len(files(tmp_path)) == 3
    assert not torch.equal(first, others[0])
    assert len(others[1]) == PEOPLE * TRAIN
    monkeypatch.setattr(known_photos, "predict", lambda *_: pytest.fail("looked again"))
    assert torch.equal(outputs(zoo), first)


@pytest.mark.parametrize("changed", ["program", "threads", "network", "photos"])
def test_whatever_decides_the_outputs_is_asked(
    zoo: Zoo, monkeypatch: pytest.MonkeyPatch, changed: str
) -> None:
    outputs(zoo)
    looked = []
    predict = known_photos.predict
    monkeypatch.setattr(known_photos, "predict", lambda *asked: looked.append(1) or predict(*asked))
    if changed == "program":
        monkeypatch.setattr(known_photos, "_program", lambda: "another")
    elif changed == "threads":
        monkeypatch.setattr(torch, "get_num_threads", lambda: 64)
    elif changed == "network":
        zoo.adopt(zoo, zoo.entry("positive"), "zero")
    else:
        zoo.set_identities(["identities_0.zip"], TRAIN + 1)
    outputs(zoo)
    assert looked


def test_a_damaged_file_is_made_anew(zoo: Zoo, tmp_path: Path) -> None:
    first = outputs(zoo)
    (file,) = files(tmp_path)
    whole = file.read_bytes()
    file.write_bytes(whole[:20])
    assert torch.equal(outputs(zoo), first)
    assert file.read_bytes() == whole


def test_the_oldest_make_room(zoo: Zoo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(known_photos, "MAX_KEPT_OUTPUTS", 2)
    for name in ("positive", "zero", "negative"):
        outputs(zoo, name)
    assert len(files(tmp_path)) == 2


def test_photos_of_a_folder_without_checksums_are_not_remembered(zoo: Zoo, tmp_path: Path) -> None:
    outputs(zoo)
    photos = KnownPhotos(zoo, SIZE, COMPUTE)
    zoo._manifest = replace(zoo.manifest, folder={"path": "people"})
    photos.outputs("zero", zoo.load_classifier("zero"), "train")
    assert len(files(tmp_path)) == 1


def test_nobodys_photos_are_no_photos(zoo: Zoo) -> None:
    photos = KnownPhotos(zoo, SIZE, COMPUTE)
    assert photos.photos_of(set(), "test").images.shape == (0, 3, SIZE, SIZE)
    assert photos.photos_of({2}, "test").labels.tolist() == [2] * (PHOTOS - TRAIN)
    assert photos.labels("train").tolist() == [0, 0, 1, 1, 2, 2]
