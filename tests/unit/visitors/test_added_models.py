"""What visitors add: further lanes, other people, and what they cannot do to each other."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from mia_demo.attack.attack import Attacker
from mia_demo.attack.config import preset_config
from mia_demo.errors import CheckpointError, ConfigError
from mia_demo.visitors import added_models, added_store
from mia_demo.visitors.added_models import AddedModels, Addition, News
from mia_demo.visitors.added_store import AddedStore, owners_models
from mia_demo.zoo.folder import FolderZoo
from mia_demo.zoo.layers import LayeredZoo
from mia_demo.zoo.manifest import MANIFEST
from mia_demo.zoo.own_folder import OwnFolder
from mia_demo.zoo.reading import SelectedZoo, Zoo
from mia_demo.zoo.training_record import TrainingRecord
from tests.tiny_zoo import COMPUTE, make_tiny_zoo

TINY = {"candidates": 1, "kept": 1, "steps": 1, "selection_rounds": 1, "pool_size": 20}
ORIGIN = "hf://ada/zoo@" + "a" * 40


@pytest.fixture
def demo(tmp_path: Path) -> LayeredZoo:
    return LayeredZoo(make_tiny_zoo(tmp_path / "demo"), OwnFolder(tmp_path / "own"))


@pytest.fixture
def models(demo: LayeredZoo, tmp_path: Path) -> AddedModels:
    return AddedModels(demo, tmp_path / "added")


def other_zoo(demo: LayeredZoo, folder: Path, *, same_people: bool) -> Zoo:
    """A zoo from the Hub: the demo's networks, a little different."""
    shutil.copytree(demo.base.root, folder)
    zoo = FolderZoo(folder)
    for entry in zoo.entries("target"):
        tensors = zoo.tensors(entry.name)
        tensors["fc.weight"] *= 1.01
        zoo.add(entry, tensors, torch.float32)
    if not same_people:
        zoo.set_identities(["identities_0.zip"], 3)
    return FolderZoo(folder, origin=ORIGIN)


def added(news: Iterable[News]) -> Addition:
    *_, last = news
    assert isinstance(last, Addition)
    return last


def upload(zoo: Zoo, name: str, folder: Path) -> tuple[Path, Path]:
    entry = folder / "entry.json"
    entry.write_text(json.dumps(zoo.entry(name).to_json()))
    return zoo.root / zoo.entry(name).stored.file, entry


def attack(demo: LayeredZoo, *lanes: str) -> None:
    config = preset_config("quick", identity=1, lanes=lanes, **TINY)
    *_, last = Attacker(demo, COMPUTE).run(config)
    assert [lane.name for lane in last.lanes] == list(lanes)


def test_a_zoo_of_the_same_people_becomes_lanes(
    demo: LayeredZoo, models: AddedModels, tmp_path: Path
) -> None:
    zoo = other_zoo(demo, tmp_path / "hub", same_people=True)
    before = (demo.base.root / MANIFEST).read_bytes()
    assert added(models.add_zoo(zoo)).lanes == ("hub-1", "hub-2", "hub-3")
    entry = demo.entry("hub-3")
    assert (entry.alpha, entry.training) == (
        -0.05,
        TrainingRecord(source=ORIGIN, source_name="negative"),
    )
    assert entry.stored.sha256 == zoo.entry("negative").stored.sha256
    attack(demo, "zero", "hub-3")
    # Found by name, but on no list that everybody sees.
    assert demo.target_names() == ["positive", "zero", "negative"]
    assert demo.is_target("hub-3")
    assert (demo.base.root / MANIFEST).read_bytes() == before
    with pytest.raises(ConfigError, match="no classifier that is not here already"):
        added(models.add_zoo(zoo))
    models.remove("hub-3")
    assert not demo.is_target("hub-3")
    with pytest.raises(ConfigError, match="removed already"):
        models.remove("hub-3")
    with pytest.raises(ConfigError, match="removed already"):
        models.remove("zero")


def test_a_target_that_does_not_fit_is_left_out_and_the_others_come(
    demo: LayeredZoo, models: AddedModels, tmp_path: Path
) -> None:
    zoo = other_zoo(demo, tmp_path / "hub", same_people=True)
    broken = replace(zoo.entry("zero"), architecture="resnet18", arguments={})
    rest = [entry for entry in zoo.manifest.checkpoints if entry.name != "zero"]
    addition = added(models.add_zoo(SelectedZoo(zoo, [*rest, broken])))
    assert len(addition.lanes) == 2
    assert "zero.safetensors does not fit architecture resnet18" in addition.left_out[0]
    with pytest.raises(CheckpointError, match="does not fit architecture resnet18"):
        added(models.add_zoo(SelectedZoo(zoo, [broken])))


def test_a_zoo_of_other_people_is_attacked_with_its_own_prior_and_evaluator(
    demo: LayeredZoo, models: AddedModels, tmp_path: Path
) -> None:
    zoo = other_zoo(demo, tmp_path / "hub", same_people=False)
    people = added(models.add_zoo(zoo)).people
    assert people is not None
    assert people.origin == ORIGIN
    assert len(people.identities) == 3
    assert people.zoo.target_names() == ["positive", "zero", "negative"]
    attack(people.zoo, "zero")
    assert not demo.is_target("hub-1")
    with pytest.raises(ConfigError, match="is loaded already"):
        added(models.add_zoo(zoo))
    models.remove(people.key)
    assert models.people == []


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("prior", {"input_size": 64}, "makes pictures of 16 pixels"),
        ("evaluator", {"num_classes": 5}, "tells 5 people apart, not 3"),
        ("evaluator", {"name": "judge"}, "has no checkpoint 'evaluator'"),
        ("evaluator", {"name": "prior"}, "two checkpoints of the same name"),
    ],
)
def test_people_without_a_usable_prior_and_evaluator_are_refused(
    demo: LayeredZoo,
    models: AddedModels,
    tmp_path: Path,
    name: str,
    change: dict[str, object],
    message: str,
) -> None:
    zoo = other_zoo(demo, tmp_path / "hub", same_people=False)
    entries = [replace(e, **change) if e.name == name else e for e in zoo.manifest.checkpoints]
    with pytest.raises(CheckpointError, match=message) as error:
        added(models.add_zoo(SelectedZoo(zoo, entries)))
    assert str(tmp_path) not in str(error.value)  # where the cache lies is nobody's business
    assert models.people == []


def test_a_pool_of_another_program_is_not_used(
    demo: LayeredZoo, models: AddedModels, tmp_path: Path
) -> None:
    zoo = other_zoo(demo, tmp_path / "hub", same_people=False)
    zoo.add(replace(zoo.entry("pool")), {"styles": torch.zeros(5, 8)}, torch.float32)
    people = added(models.add_zoo(FolderZoo(zoo.root, origin=ORIGIN))).people
    assert people is not None
    assert people.zoo.entries("pool") == []


def test_an_upload_becomes_a_lane_with_its_bytes_unchanged(
    demo: LayeredZoo, models: AddedModels, tmp_path: Path
) -> None:
    zoo = other_zoo(demo, tmp_path / "other", same_people=True)
    weights, entry = upload(zoo, "positive", tmp_path)
    assert added(models.add_upload(weights, entry)).lanes == ("upload-1",)
    assert demo.entry("upload-1").stored.sha256 == zoo.entry("positive").stored.sha256
    attack(demo, "upload-1")
    with pytest.raises(ConfigError, match="is here already, as upload-1"):
        added(models.add_upload(weights, entry))
    with pytest.raises(ConfigError, match="is here already, as zero"):
        added(models.add_upload(*upload(demo.base, "zero", tmp_path)))
    # A new start of the demo finds it again.
    again = LayeredZoo(demo.base, OwnFolder(tmp_path / "own"))
    assert AddedModels(again, models.folder).lane_names() == ["upload-1"]
    attack(again, "upload-1")


def test_a_refused_upload_leaves_nothing(
    demo: LayeredZoo, models: AddedModels, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    zoo = other_zoo(demo, tmp_path / "other", same_people=True)
    weights, entry = upload(zoo, "zero", tmp_path)
    values = json.loads(entry.read_text())
    entry.write_text(json.dumps({**values, "num_classes": 9}))
    with pytest.raises(CheckpointError, match="zero tells 9 people apart, not 3"):
        added(models.add_upload(weights, entry))
    entry.write_text(json.dumps(values))
    cut = tmp_path / "cut.safetensors"
    cut.write_bytes(weights.read_bytes()[:-1])
    with pytest.raises(CheckpointError, match="the file is cut off"):
        added(models.add_upload(cut, entry))
    monkeypatch.setattr(added_models, "MAX_UPLOAD_BYTES", 1000)
    with pytest.raises(CheckpointError, match="the limit is"):
        added(models.add_upload(weights, entry))
    monkeypatch.setattr(added_models, "MAX_ADDED_LANES", 0)
    with pytest.raises(ConfigError, match="remove one first"):
        added(models.add_upload(weights, entry))
    assert models.lanes() == []
    assert not models.folder.exists()


def test_a_damaged_folder_does_not_stop_the_demo(demo: LayeredZoo, tmp_path: Path) -> None:
    folder = tmp_path / "added"
    folder.mkdir()
    (folder / MANIFEST).write_text("no JSON")
    assert AddedModels(demo, folder).lanes() == []


def test_tabs_have_their_own_and_lose_it(demo: LayeredZoo, tmp_path: Path) -> None:
    store = AddedStore(demo, tmp_path / "added")
    zoo = other_zoo(demo, tmp_path / "hub", same_people=True)
    key, mine = store.open_tab("")
    assert store.open_tab(key) == (key, mine)
    assert store.tab("guessed") is None
    added(mine.add_zoo(zoo))
    other_key, other = store.open_tab("not mine")
    assert other.lane_names() == []
    assert other_key not in (key, "not mine")
    with pytest.raises(ConfigError, match="removed already"):
        other.remove("hub-1")
    store.close_empty(other_key)
    store.close_empty(key)
    assert list(store._timers) == [key]  # nothing waits a day for a tab that added nothing
    assert (store.tab(other_key), store.tab(key)) == (None, mine)
    assert store.owner.lane_names() == []
    store._expire(key)  # a day is over
    assert not demo.is_target("hub-1")
    assert not mine.folder.exists()


def test_a_tab_stays_while_something_is_being_added(demo: LayeredZoo, tmp_path: Path) -> None:
    store = AddedStore(demo, tmp_path / "added")
    key, tab = store.open_tab("")
    assert store.open_tab(key) == (key, tab)  # a second addition, which ends the first
    store.close_empty(key)
    assert store.tab(key) is tab
    store.close_empty(key)
    assert store.tab(key) is None


def test_a_restart_keeps_the_owners_and_forgets_the_tabs(demo: LayeredZoo, tmp_path: Path) -> None:
    store = AddedStore(demo, tmp_path / "added")
    zoo = other_zoo(demo, tmp_path / "hub", same_people=True)
    _, tab = store.open_tab("")
    added(tab.add_zoo(zoo))
    added(store.owner.add_zoo(zoo))
    again = LayeredZoo(demo.base, OwnFolder(tmp_path / "own"))
    store = AddedStore(again, tmp_path / "added")
    assert not tab.folder.exists()
    assert store.owner.lane_names() == ["hub-4", "hub-5", "hub-6"]
    assert again.is_target("hub-4")
    # Lanes belong to the people that they were added to.
    other = LayeredZoo(
        other_zoo(demo, tmp_path / "o", same_people=False), OwnFolder(tmp_path / "own")
    )
    assert owners_models(other, tmp_path / "added").lane_names() == []


def test_a_server_for_others_has_limits(
    demo: LayeredZoo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = AddedStore(demo, tmp_path / "added")
    _, tab = store.open_tab("")
    assert store.access(store.owner).is_anonymous is False
    access = store.access(tab)
    assert access.is_anonymous
    assert access.max_bytes == 250_000_000
    assert access.cache == tmp_path / "added" / "hub"
    people = added(tab.add_zoo(other_zoo(demo, tmp_path / "hub", same_people=False))).people
    assert people is not None
    assert store.people(people.key) is people
    with pytest.raises(ConfigError, match="load their zoo again"):
        store.people("hub-people-guessed")
    monkeypatch.setattr(added_store, "MAX_TAB_ZOOS", 1)
    with pytest.raises(ConfigError, match="Visitors of this server have loaded 1 zoos already"):
        store.access(tab)
    monkeypatch.setattr(added_store, "MAX_TAB_BYTES", 0)
    with pytest.raises(ConfigError, match="filled the room"):
        store.check_room(tab)
    store.check_room(store.owner)
    monkeypatch.setattr(added_store, "MAX_TABS", 1)
    with pytest.raises(ConfigError, match="1 visitors of this server have added models"):
        store.open_tab("")


def test_what_no_tab_uses_any_more_makes_room(demo: LayeredZoo, tmp_path: Path) -> None:
    store = AddedStore(demo, tmp_path / "added")
    _, tab = store.open_tab("")
    added(tab.add_zoo(other_zoo(demo, tmp_path / "hub", same_people=False)))
    cache = store.access(tab).cache
    for repo in ("models--ada--zoo", "models--ada--wanted", "models--ada--old"):
        (cache / repo).mkdir(parents=True)
    # Of a repository that is in use, what nobody uses goes as well: other commits of it.
    used, old = ORIGIN[-40:], "d" * 40
    for commit in (used, old):
        blob = cache / "models--ada--zoo" / "blobs" / commit
        link = cache / "models--ada--zoo" / "snapshots" / commit / "zero.safetensors"
        for path in (blob, link):
            path.parent.mkdir(parents=True, exist_ok=True)
        blob.write_bytes(b"weights")
        link.symlink_to(blob)
    store.make_room("hf://ada/wanted@main")
    assert {path.name for path in cache.iterdir()} == {"models--ada--zoo", "models--ada--wanted"}
    assert [path.name for path in (cache / "models--ada--zoo" / "blobs").iterdir()] == [used]


def test_a_zoo_of_too_many_targets_is_refused_before_one_is_looked_at(
    demo: LayeredZoo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(added_models, "MAX_ZOO_TARGETS", 2)
    store = AddedStore(demo, tmp_path / "added")
    with pytest.raises(CheckpointError, match="has 3 targets, this page shows up to 2"):
        added(store.owner.add_zoo(other_zoo(demo, tmp_path / "hub", same_people=False)))


def test_a_killed_check_leaves_no_copy_of_a_model(demo: LayeredZoo, tmp_path: Path) -> None:
    copies = [tmp_path / "added" / f"{added_store.STAGING}{name}" for name in ("killed", "running")]
    for copy in copies:
        copy.mkdir(parents=True)
        (copy / "model.safetensors").write_bytes(b"half")
    minutes_ago = time.time() - 300
    for path in (copies[0] / "model.safetensors", copies[0]):
        os.utime(path, (minutes_ago, minutes_ago))
    AddedStore(demo, tmp_path / "added")
    assert [copy.exists() for copy in copies] == [False, True]
