"""From a folder to the Hub and back, by the commands that a user types."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from huggingface_hub import ModelCard, constants

from mia_demo.cli import main
from mia_demo.errors import HubError
from mia_demo.recipes.model_card import model_card
from mia_demo.zoo.folder import FolderZoo
from mia_demo.zoo.hub import open_hub_zoo
from mia_demo.zoo.manifest import MANIFEST
from mia_demo.zoo.opening import open_zoo
from mia_demo.zoo.reading import Zoo
from tests.hub_stand_in import STRANGERS_TOKEN, HubStandIn, Repo

ROOT = Path(__file__).parents[4]


def publish(zoo: Zoo, *more: str) -> int:
    return main(["publish", "--zoo", str(zoo.root), "--repo", "ada/faces", "--json", *more])


def test_a_published_zoo_comes_back_bit_by_bit(
    owner: HubStandIn, tiny_zoo: Zoo, capsys: pytest.CaptureFixture[str]
) -> None:
    assert publish(tiny_zoo) == 0
    report = json.loads(capsys.readouterr().out)
    commit = report["commit"]
    assert report["address"] == f"hf://ada/faces@{commit}"
    files = owner.repos["ada/faces"].commits[commit]
    listed = {stored.file for stored in tiny_zoo.listed_files()}
    assert set(files) == {".gitattributes", "README.md", MANIFEST, *listed}
    assert report["files"] == len(files) - 1
    assert not owner.repos["ada/faces"].private
    assert open_hub_zoo(report["address"]).manifest == tiny_zoo.manifest
    # Nothing new to say: the same commit again, and no file goes up twice.
    before = [request for request in owner.requests if request.path.startswith("/lfs/")]
    assert publish(tiny_zoo) == 0
    assert json.loads(capsys.readouterr().out)["commit"] == commit
    assert [request for request in owner.requests if request.path.startswith("/lfs/")] == before


def test_the_card_has_metadata_and_says_what_is_not_known(tiny_zoo: Zoo) -> None:
    card = ModelCard(model_card(tiny_zoo))
    assert card.data.license == "other"
    assert card.data.library_name == "mia-demo"
    assert card.data.metrics == ["accuracy"]
    assert card.data.tags
    assert "synthetic-faces" not in card.data.tags
    names = [result.metric_name for result in card.data.eval_results or []]
    assert names == [f"Test accuracy of {name}" for name in ("positive", "zero", "negative")]
    for heading in ("Data sheet", "Limits", "Intended use"):
        assert f"\n## {heading}\n" in card.content
    assert "has not stated where these images come from" in card.content
    told = model_card(tiny_zoo, data_sheet="Noise, made by a random generator.")
    assert "Noise, made by a random generator." in told
    assert "has not stated" not in told


def test_the_embedded_zoos_card_tells_its_own_story() -> None:
    card = ModelCard(model_card(open_zoo()))
    assert card.data.license == "apache-2.0"
    assert "synthetic-faces" in (card.data.tags or [])
    assert "made with MakeHuman" in card.content


def test_private_stays_private(
    owner: HubStandIn, tiny_zoo: Zoo, capsys: pytest.CaptureFixture[str]
) -> None:
    assert publish(tiny_zoo, "--private") == 0
    assert owner.repos["ada/faces"].private
    owner.repos["ada/faces"].private = False
    capsys.readouterr()
    assert publish(tiny_zoo, "--private") == 2
    assert "exists and everybody can read it" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("token", "repo", "message"),
    [
        (None, "ada/faces", "needs a token of yours: make one that may write at https://"),
        (STRANGERS_TOKEN, "ada/faces", "forbids this to your account"),
        ("hf_" + "x" * 34, "ada/faces", "does not accept this machine's token"),
        (None, "faces", "not a valid name of a Hub repository; write user/name"),
    ],
)
def test_who_may_not_publish_is_told_why(
    hub: HubStandIn,
    tiny_zoo: Zoo,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    token: str | None,
    repo: str,
    message: str,
) -> None:
    if token:
        monkeypatch.setenv("HF_TOKEN", token)
    assert main(["publish", "--zoo", str(tiny_zoo.root), "--repo", repo]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert token is None or token not in error
    assert not hub.repos


def test_a_damaged_zoo_is_not_published(
    owner: HubStandIn, tiny_zoo: Zoo, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "copy"
    folder.mkdir()
    for path in tiny_zoo.root.iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    (folder / "zero.safetensors").write_bytes(b"short")
    assert publish(FolderZoo(folder)) == 2
    assert "differs from its manifest entry" in capsys.readouterr().err
    assert not owner.requests


def test_identities_that_lie_elsewhere_are_neither_copied_nor_named_in_public(
    owner: HubStandIn, tiny_zoo: Zoo, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for path in tiny_zoo.root.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    manifest = json.loads((tmp_path / MANIFEST).read_text())
    manifest["folder"] = {"path": str(tmp_path / "people"), "layout": "folders", "seed": 0}
    (tmp_path / MANIFEST).write_text(json.dumps({**manifest, "identities": []}))
    zoo = FolderZoo(tmp_path)
    assert publish(zoo) == 2
    assert "lie outside it" in capsys.readouterr().err
    assert not owner.requests
    card = model_card(zoo)
    assert "The 3 identities lie in a folder of the maker's machine" in card
    assert str(tmp_path) not in card


def test_publishing_to_a_hub_that_is_away(
    owner: HubStandIn, tiny_zoo: Zoo, capsys: pytest.CaptureFixture[str]
) -> None:
    owner.close()
    assert publish(tiny_zoo) == 2
    assert "cannot be reached" in capsys.readouterr().err


def test_nothing_is_recorded_into_a_zoo_of_the_hub(
    hub: HubStandIn, commit: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for what in (["--sweep", str(tmp_path), "--name", "mine"], ["--people"]):
        assert main(["record", *what, "--zoo", "hf://ada/zoo"]) == 2
        assert f"hf://ada/zoo@{commit} is only read" in capsys.readouterr().err


def test_doctor_on_a_zoo_of_the_hub(
    hub: HubStandIn, commit: str, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["doctor", "--zoo", "hf://ada/zoo", "--accuracy", "--device", "cpu", "--json"]
    assert main(arguments) == 0
    checks = {check["name"]: check for check in json.loads(capsys.readouterr().out)["checks"]}
    assert f"hf://ada/zoo@{commit}, 8 files" in checks["zoo"]["found"]
    assert "6 test images, stated: " in checks["accuracy negative"]["found"]
    assert "in 1 repositories" in checks["hub cache"]["found"]
    assert "answers in" in checks["hub"]["found"]
    assert "no token is set" in checks["hub"]["found"]
    hub.close()
    arguments[2] = f"hf://ada/zoo@{commit}"
    assert main(arguments) == 0
    checks = {check["name"]: check for check in json.loads(capsys.readouterr().out)["checks"]}
    assert "Not needed: the zoo is cached" in checks["hub"]["found"]
    arguments[2] = "hf://ada/other"
    assert main(arguments) == 1
    checks = {check["name"]: check for check in json.loads(capsys.readouterr().out)["checks"]}
    assert not checks["zoo"]["ok"]
    assert "Check network and proxy" in checks["hub"]["remedy"]


def test_doctor_notices_other_weights_than_were_measured(
    hub: HubStandIn, tiny_zoo: Zoo, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (tiny_zoo.root / MANIFEST).read_text()
    manifest = json.loads(text)
    for entry in manifest["checkpoints"]:
        if entry["name"] == "zero":
            entry["test_accuracy"] = 1.0
    for path in tiny_zoo.root.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / MANIFEST).write_text(json.dumps(manifest))
    assert main(["doctor", "--zoo", str(tmp_path), "--accuracy", "--device", "cpu"]) == 1
    lines = capsys.readouterr().out.splitlines()
    failed = [line for line in lines if line.startswith("FAIL")]
    assert len(failed) == 1
    assert failed[0].startswith("FAIL accuracy zero: 33.33% of 6 test images, stated: 100.00%")
    assert not hub.requests


def test_a_new_user_attacks_a_published_zoo_by_its_address(
    owner: HubStandIn,
    tiny_zoo: Zoo,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Another checkout without a zoo, empty cache, no token; then once more without the Hub."""
    assert publish(tiny_zoo) == 0
    address = json.loads(capsys.readouterr().out)["address"]
    checkout, home = tmp_path / "checkout", tmp_path / "home"
    shutil.copytree(ROOT / "mia_demo", checkout / "mia_demo")
    environment = {
        **{key: value for key, value in os.environ.items() if not key.startswith("HF_")},
        "HF_ENDPOINT": owner.url,
        "HF_HOME": str(home),
        "NO_PROXY": "127.0.0.1,localhost",
    }
    arguments = [
        "attack", "--identity", "1", "--zoo", address, "--set", "steps=2", "--device", "cpu",
        "--json",
    ]  # fmt: skip
    command = [sys.executable, "-m", "mia_demo", *arguments]
    environment.pop("PYTHONPATH", None)
    done = subprocess.run(command, cwd=checkout, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert f"zoo: {address}" in done.stderr
    online = json.loads(done.stdout)
    assert online["zoo"] == address
    assert list(online["lanes"]) == ["positive", "zero", "negative"]

    owner.close()
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(home / "hub"))
    assert main(arguments) == 0
    offline = json.loads(capsys.readouterr().out)
    assert offline["zoo"] == address
    assert offline["checkpoints"] == online["checkpoints"]
    assert [lane["evaluator_top1"] for lane in offline["lanes"].values()] == [
        lane["evaluator_top1"] for lane in online["lanes"].values()
    ]


def test_an_upload_that_is_refused_halfway(
    owner: HubStandIn, tiny_zoo: Zoo, capsys: pytest.CaptureFixture[str]
) -> None:
    """A repository of somebody else: it exists, but nothing may be written."""
    owner.repos["bob/faces"] = Repo()
    owner.repos["bob/faces"].commit({"README.md": b"mine"})
    assert main(["publish", "--zoo", str(tiny_zoo.root), "--repo", "bob/faces"]) == 2
    assert "forbids this to your account" in capsys.readouterr().err
    with pytest.raises(HubError, match="is not a zoo"):
        open_hub_zoo("hf://bob/faces")
    assert constants.HF_HUB_DISABLE_TELEMETRY
