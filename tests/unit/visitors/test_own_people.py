"""Visitors' own people: a zoo of their own, opened by a secret, gone when deleted or expired."""

from __future__ import annotations

import io
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from PIL import Image

from mia_demo.attack.attack import Attacker
from mia_demo.attack.lanes import Lane
from mia_demo.attack.sampling import Pool, pool_subset
from mia_demo.errors import ConfigError, DataError
from mia_demo.models.classifiers import build_classifier
from mia_demo.system.device import Compute
from mia_demo.visitors import own_people as module
from mia_demo.visitors.own_people import PEOPLE_FILE, OwnPeople, PeopleStore
from mia_demo.zoo.manifest import UNSTORED, CheckpointEntry
from mia_demo.zoo.reading import Zoo

ARGUMENTS = {"width": 2}


@pytest.fixture
def upload(zip_of: Callable[..., Path]) -> Path:
    files = {}
    for label, name in enumerate(("ada", "bob", "cleo")):
        for index in range(5):
            buffer = io.BytesIO()
            Image.new("RGB", (40, 40), (80 * label, 12 * index, 40)).save(buffer, format="PNG")
            files[f"{name}/{index}.png"] = buffer.getvalue()
    return zip_of(files)


def create(store: PeopleStore, upload: Path) -> OwnPeople:
    *_, people = store.create(upload)
    assert isinstance(people, OwnPeople)
    return people


def add(people: OwnPeople, kind: str, alpha: float = 0.0) -> str:
    entry = CheckpointEntry(
        name="any",
        kind=kind,
        stored=UNSTORED,
        architecture="compact_resnet",
        arguments=ARGUMENTS,
        num_classes=3,
        input_size=16,
        alpha=alpha,
        test_accuracy=0.5,
    )
    torch.manual_seed(0)
    classifier = build_classifier("compact_resnet", 3, 16, ARGUMENTS)
    return people.zoo.own.add(entry, classifier.network.state_dict())


def test_own_people_make_a_zoo_with_the_attackers_tools(
    zoo: Zoo, tmp_path: Path, upload: Path
) -> None:
    people = create(PeopleStore(zoo, tmp_path / "people"), upload)
    assert people.names == ("ada", "bob", "cleo")
    assert people.zoo.target_names() == []
    assert not people.has_evaluator
    assert people.zoo.entry("prior") == zoo.entry("prior")
    kinds = {entry.kind for entry in people.zoo.manifest.checkpoints}
    assert kinds == {"prior", "embedder", "pool"}  # no evaluator, no target of other people
    train, labels = people.zoo.split(people.identities, 16, "train")
    _, test_labels = people.zoo.split(people.identities, 16, "test")
    assert (len(train), labels.tolist()) == (12, [0] * 4 + [1] * 4 + [2] * 4)
    assert test_labels.tolist() == [0, 1, 2]

    names = [add(people, "evaluator"), *(add(people, "target", a) for a in (0.1, 0, -0.05, -0.1))]
    assert names == ["evaluator", "positive", "zero", "negative", "negative-2"]
    again = PeopleStore(zoo, tmp_path / "people").open(people.key)  # after a restart
    assert again.zoo.target_names() == names[1:]
    assert again.zoo.load_classifier("evaluator").num_classes == 3
    people.zoo.own.remove("negative")
    assert add(people, "target", -0.2) == "negative"


def test_an_own_lane_never_starts_from_what_a_lane_of_the_demo_saw(
    zoo: Zoo, compute: Compute, tmp_path: Path, upload: Path
) -> None:
    people = create(PeopleStore(zoo, tmp_path / "people"), upload)
    add(people, "evaluator")
    add(people, "target", -0.05)  # has the name of a lane that came with the demo
    subset = pool_subset(40, seed=0)

    def first_news(zoo: Zoo) -> Pool | float:
        pools = Attacker(zoo, compute).pools
        return next(pools.get([Lane.load(zoo, "negative", compute)], 0.5, subset))

    # Shipped confidences are of other people: the classifier has to look at the pool itself.
    assert first_news(people.zoo) == 0.0
    assert isinstance(first_news(zoo), Pool)


def test_only_the_key_opens_them(zoo: Zoo, tmp_path: Path, upload: Path) -> None:
    store = PeopleStore(zoo, tmp_path / "people")
    people = create(store, upload)
    (folder,) = (tmp_path / "people").iterdir()
    assert folder.stat().st_mode & 0o077 == 0
    assert people.key not in str(folder)
    for key in ("", folder.name, "../people", people.key[:-1]):
        with pytest.raises(ConfigError, match="no longer on this machine"):
            store.open(key)
    assert store.open(people.key) is people


def test_deleted_means_deleted_also_for_what_still_trains(
    zoo: Zoo, tmp_path: Path, upload: Path
) -> None:
    store = PeopleStore(zoo, tmp_path / "people")
    people = create(store, upload)
    (waits_a_day,) = store._timers.values()
    store.delete(people.key)
    waits_a_day.join(10)
    assert not waits_a_day.is_alive()
    assert list((tmp_path / "people").iterdir()) == []
    with pytest.raises(ConfigError, match="no longer on this machine"):
        add(people, "target")
    assert list((tmp_path / "people").iterdir()) == []
    with pytest.raises(ConfigError, match="no longer on this machine"):
        store.open(people.key)


def test_they_are_deleted_after_a_day(zoo: Zoo, tmp_path: Path, upload: Path) -> None:
    folder = tmp_path / "people"
    people = create(PeopleStore(zoo, folder), upload)
    yesterday = time.time() - 25 * 3600
    os.utime(people.zoo.own.path / PEOPLE_FILE, (yesterday, yesterday))
    PeopleStore(zoo, folder)
    deadline = time.monotonic() + 5
    while any(folder.iterdir()) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert list(folder.iterdir()) == []


def test_a_refused_or_abandoned_upload_leaves_nothing(
    zoo: Zoo, tmp_path: Path, upload: Path, zip_of: Callable[..., Path]
) -> None:
    store = PeopleStore(zoo, tmp_path / "people")
    with pytest.raises(DataError):
        list(store.create(zip_of({"stray.txt": b""}, "bad.zip")))
    reading: Iterator[object] = store.create(upload)
    next(reading)
    reading.close()  # type: ignore[attr-defined]
    assert list((tmp_path / "people").iterdir()) == []


def test_a_killed_upload_is_swept_at_start_and_takes_no_place(
    zoo: Zoo, tmp_path: Path, upload: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "people"
    killed = folder / ("0" * 32)
    killed.mkdir(parents=True)
    half = killed / ".identities_0.zip.abcd.tmp"
    half.write_bytes(b"half a photo")
    finished = create(PeopleStore(zoo, folder), upload)
    minutes_ago = time.time() - 300
    for path in (half, killed):
        os.utime(path, (minutes_ago, minutes_ago))
    monkeypatch.setattr(module, "MAX_SETS", 2)
    create(PeopleStore(zoo, folder), upload)
    assert not killed.exists()
    assert PeopleStore(zoo, folder).open(finished.key).names == finished.names
