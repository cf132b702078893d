"""Zoos from a Hub that works, one that refuses, and one that lies: real client, real HTTP."""

from __future__ import annotations

import json
import pickle
import shutil
import socket
import time
from pathlib import Path

import pytest
from huggingface_hub import constants, snapshot_download

from mia_demo.errors import CheckpointError, HubError, HubUnreachableError
from mia_demo.zoo.folder import FolderZoo
from mia_demo.zoo.hub import (
    DownloadProgress,
    HubAccess,
    client,
    download,
    download_zoo,
    offer,
    open_hub_zoo,
)
from mia_demo.zoo.hub.client import explain
from mia_demo.zoo.manifest import MANIFEST
from mia_demo.zoo.reading import Zoo
from tests.hub_stand_in import STRANGERS_TOKEN, HubStandIn
from tests.unit.zoo.hub.conftest import REPO

ADDRESS = f"hf://{REPO}"


def folder_of(zoo: Zoo, tmp_path: Path) -> Path:
    return Path(shutil.copytree(zoo.root, tmp_path / "damaged"))


def edit_entry(folder: Path, entry_name: str, /, **change: object) -> None:
    manifest = json.loads((folder / MANIFEST).read_text())
    for entry in manifest["checkpoints"]:
        if entry["name"] == entry_name:
            entry.update(change)
    (folder / MANIFEST).write_text(json.dumps(manifest))


def cached_blob(zoo: Zoo, file: str) -> Path:
    return (zoo.root / file).resolve()


def flip_last_byte(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)


# -- a Hub that works -----------------------------------------------------------------------------


def test_a_zoo_is_downloaded_pinned_and_loads(hub: HubStandIn, commit: str, tiny_zoo: Zoo) -> None:
    hub.repos[REPO].commits[commit]["notes.txt"] = b"not listed"
    steps: list[DownloadProgress] = []
    zoo = open_hub_zoo(ADDRESS, steps.append)
    assert zoo.origin == f"hf://{REPO}@{commit}"
    assert len(commit) == 40
    assert zoo.manifest == tiny_zoo.manifest
    assert zoo.load_classifier("negative").num_classes == 3
    total = sum(stored.bytes for stored in zoo.listed_files())
    assert steps[-1] == DownloadProgress(total, total)
    assert [step.done_bytes for step in steps] == sorted(step.done_bytes for step in steps)
    listed = [MANIFEST, *(stored.file for stored in zoo.listed_files())]
    assert sorted(set(hub.downloaded())) == sorted(listed)  # and never another file


def test_a_pinned_zoo_in_the_cache_needs_no_hub(hub: HubStandIn, commit: str) -> None:
    first = open_hub_zoo(ADDRESS)
    hub.close()
    hub.requests.clear()
    again = open_hub_zoo(str(first.origin))
    assert again.root == first.root
    assert not hub.requests


def test_a_space_may_have_the_zoo_preloaded(hub: HubStandIn, commit: str) -> None:
    """``preload_from_hub`` leaves the client's own snapshot in the cache."""
    snapshot_download(REPO, revision=commit, endpoint=hub.url, cache_dir=constants.HF_HUB_CACHE)
    hub.close()
    assert open_hub_zoo(f"hf://{REPO}@{commit}").load_prior()


def test_a_branch_is_asked_for_each_time_and_its_last_commit_serves_offline(
    hub: HubStandIn, commit: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert open_hub_zoo(ADDRESS).origin == f"hf://{REPO}@{commit}"
    files = hub.repos[REPO].commits[commit]
    newer = hub.put(REPO, {**files, "notes.txt": b"new"})
    assert open_hub_zoo(ADDRESS).origin == f"hf://{REPO}@{newer}"
    hub.close()
    assert open_hub_zoo(ADDRESS).origin == f"hf://{REPO}@{newer}"
    assert f"The cached hf://{REPO}@{newer} is used" in caplog.text


def test_an_interrupted_download_goes_on_where_it_stopped(
    hub: HubStandIn, commit: str, tiny_zoo: Zoo
) -> None:
    class ClosedError(Exception):
        pass

    stalled = tiny_zoo.entry("prior").stored.bytes

    def close_the_tab(progress: DownloadProgress) -> None:
        left = progress.total_bytes - progress.done_bytes
        if left <= stalled:
            assert left > 0
            raise ClosedError

    hub.faults["prior.safetensors"] = "stall"
    with pytest.raises(ClosedError):
        open_hub_zoo(ADDRESS, close_the_tab)
    hub.faults.clear()
    hub.released.set()
    open_hub_zoo(ADDRESS)
    assert hub.downloaded().count("zero.safetensors") == 1


def test_the_token_goes_to_the_hub_and_nowhere_else(owner: HubStandIn, commit: str) -> None:
    owner.repos[REPO].private = True
    open_hub_zoo(ADDRESS)
    resolved = [r for r in owner.requests if "/resolve/" in r.path]
    stored = [r for r in owner.requests if "/cdn/" in r.path]
    assert all(request.authorized for request in resolved)
    assert stored
    assert not any(request.authorized for request in stored)
    assert not [r for r in owner.requests if "agent" in r.path or "telemetry" in r.path]


def test_a_stranger_sees_what_everybody_sees_and_keeps_it_apart(
    owner: HubStandIn, commit: str, tmp_path: Path
) -> None:
    access = HubAccess(tmp_path / "apart", is_anonymous=True)
    *_, zoo = download_zoo(ADDRESS, access)
    assert isinstance(zoo, Zoo)
    assert zoo.root.is_relative_to(tmp_path / "apart")
    assert not any(request.authorized for request in owner.requests)
    # What this machine may see, and has in its cache, is not for everybody.
    owner.repos[REPO].private = True
    open_hub_zoo(ADDRESS)
    elsewhere = HubAccess(tmp_path / "elsewhere", is_anonymous=True)
    for address in (ADDRESS, f"{ADDRESS}@{commit}", "hf://ada/none"):
        with pytest.raises(HubError, match=r"not open to everybody.*only public zoos"):
            list(download_zoo(address, elsewhere))


def test_a_zoo_that_is_too_large_is_refused_before_the_download(
    hub: HubStandIn, commit: str
) -> None:
    with pytest.raises(HubError, match="is larger than 0 MB"):
        list(download_zoo(ADDRESS, HubAccess(max_bytes=1000)))
    assert set(hub.downloaded()) == {MANIFEST}


# -- a Hub that refuses ---------------------------------------------------------------------------


def test_a_missing_and_a_private_repository(
    hub: HubStandIn, commit: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(HubError, match=r"hf://ada/none@main does not exist, or is private.*log in"):
        open_hub_zoo("hf://ada/none")
    hub.repos[REPO].private = True
    with pytest.raises(HubError, match="is private and this machine is not logged in"):
        open_hub_zoo(ADDRESS)
    monkeypatch.setenv("HF_TOKEN", STRANGERS_TOKEN)
    with pytest.raises(HubError, match=r"your account may not see it.*ask its owner"):
        open_hub_zoo(ADDRESS)
    monkeypatch.setenv("HF_TOKEN", "hf_" + "x" * 34)
    with pytest.raises(HubError, match="does not accept this machine's token"):
        open_hub_zoo(ADDRESS)


def test_a_gated_repository_names_the_page_with_its_conditions(
    hub: HubStandIn, commit: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.repos[REPO].gated = True
    with pytest.raises(HubError, match=f"is gated: accept .* at {hub.url}/{REPO}, then log in"):
        open_hub_zoo(ADDRESS)
    monkeypatch.setenv("HF_TOKEN", STRANGERS_TOKEN)
    with pytest.raises(HubError, match=r"is gated: .*then try again"):
        open_hub_zoo(ADDRESS)


def test_a_missing_revision(hub: HubStandIn, commit: str) -> None:
    for revision in ("v9", "f" * 40):
        with pytest.raises(HubError, match=f"@{revision}: the repository has no such revision"):
            open_hub_zoo(f"{ADDRESS}@{revision}")


def test_a_hub_out_of_order(hub: HubStandIn, commit: str) -> None:
    hub.faults["*"] = "503"
    with pytest.raises(HubUnreachableError, match=r"is out of order \(HTTP 503\)"):
        open_hub_zoo(ADDRESS)
    hub.faults["*"] = "429"
    with pytest.raises(HubError, match="too many requests"):
        open_hub_zoo(ADDRESS)


@pytest.mark.parametrize("revision", ["main", "a" * 40])
def test_an_unreachable_hub_is_reported_within_5_seconds(
    hub: HubStandIn, monkeypatch: pytest.MonkeyPatch, revision: str
) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    template = f"http://127.0.0.1:{port}/{{repo_id}}/resolve/{{revision}}/{{filename}}"
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
    start = time.monotonic()
    with pytest.raises(HubUnreachableError, match="cannot be reached"):
        open_hub_zoo(f"{ADDRESS}@{revision}")
    assert time.monotonic() - start < 5


def test_a_silent_hub_is_reported_within_5_seconds(hub: HubStandIn, commit: str) -> None:
    hub.faults["*"] = "stall"
    start = time.monotonic()
    with pytest.raises(HubUnreachableError, match=r"silent|cannot be reached"):
        open_hub_zoo(ADDRESS)
    assert time.monotonic() - start < 5


def test_offline_mode_is_named(
    hub: HubStandIn, commit: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(HubUnreachableError, match="HF_HUB_OFFLINE forbids"):
        open_hub_zoo(ADDRESS)
    assert not hub.requests


# -- a Hub that breaks off or lies ----------------------------------------------------------------


def test_a_stalled_download_is_reported_and_half_a_zoo_is_never_used(
    hub: HubStandIn, commit: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download, "STALL_SECONDS", 0.6)
    hub.faults["prior.safetensors"] = "stall"
    with pytest.raises(
        HubUnreachableError, match=r"has been silent.*The cache has \d of the zoo's"
    ):
        open_hub_zoo(ADDRESS)
    hub.close()
    with pytest.raises(HubUnreachableError, match=r"cannot be reached.*The cache has"):
        open_hub_zoo(f"{ADDRESS}@{commit}")


def test_a_broken_connection_is_mended(hub: HubStandIn, commit: str) -> None:
    hub.faults["prior.safetensors"] = "truncate"
    hub.fault_uses["prior.safetensors"] = 1
    assert open_hub_zoo(ADDRESS).load_prior().resolution == 16


def test_a_wrong_byte_on_the_way_is_noticed_and_fetched_again(hub: HubStandIn, commit: str) -> None:
    hub.faults["zero.safetensors"] = "flip"
    hub.fault_uses["zero.safetensors"] = 1
    open_hub_zoo(ADDRESS).load_classifier("zero")
    assert hub.downloaded().count("zero.safetensors") == 2


def test_a_wrong_byte_that_stays_is_refused(hub: HubStandIn, commit: str) -> None:
    hub.faults["zero.safetensors"] = "flip"
    with pytest.raises(HubError, match=r"zero\.safetensors arrived damaged twice"):
        open_hub_zoo(ADDRESS)


def test_a_cached_file_that_went_bad_is_fetched_anew(
    hub: HubStandIn, commit: str, caplog: pytest.LogCaptureFixture
) -> None:
    zoo = open_hub_zoo(ADDRESS)
    flip_last_byte(cached_blob(zoo, "zero.safetensors"))
    # Whoever has it open already is told at the latest when it is parsed.
    with pytest.raises(CheckpointError, match=f"open hf://{REPO}@{commit} again"):
        zoo.load_classifier("zero")
    open_hub_zoo(str(zoo.origin)).load_classifier("zero")
    assert "zero.safetensors is damaged and downloaded again" in caplog.text


def test_a_cached_file_that_went_bad_offline_comes_with_the_remedy(
    hub: HubStandIn, commit: str
) -> None:
    zoo = open_hub_zoo(ADDRESS)
    flip_last_byte(cached_blob(zoo, "zero.safetensors"))
    hub.close()
    with pytest.raises(
        HubUnreachableError, match=r"zero\.safetensors is damaged.*`hf cache rm model/ada/zoo`"
    ):
        open_hub_zoo(str(zoo.origin))


def test_a_manifest_that_went_bad_is_fetched_anew(hub: HubStandIn, commit: str) -> None:
    zoo = open_hub_zoo(ADDRESS)
    blob = cached_blob(zoo, MANIFEST)
    blob.write_text(blob.read_text().replace('"train_images": 2', '"train_images": 3'))
    assert open_hub_zoo(str(zoo.origin)).manifest.train_images == 2


def test_files_other_than_the_manifest_lists_are_refused_before_download(
    hub: HubStandIn, tiny_zoo: Zoo, tmp_path: Path
) -> None:
    folder = folder_of(tiny_zoo, tmp_path)
    flip_last_byte(folder / "zero.safetensors")
    hub.host(folder, REPO)
    with pytest.raises(HubError, match=r"zero\.safetensors is not the file that its manifest"):
        open_hub_zoo(ADDRESS)
    (folder / "zero.safetensors").unlink()
    hub.host(folder, REPO)
    with pytest.raises(HubError, match=r"lacks zero\.safetensors, which its manifest lists"):
        open_hub_zoo(ADDRESS)
    assert set(hub.downloaded()) == {MANIFEST}


def test_a_repository_that_is_no_zoo(hub: HubStandIn, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    hub.host(folder, REPO)
    with pytest.raises(
        HubError, match=r"is not a zoo: it has no manifest\.json; zoos are uploaded"
    ):
        open_hub_zoo(ADDRESS)
    (folder / "pytorch_model.bin").write_bytes(pickle.dumps({}))
    hub.host(folder, REPO)
    with pytest.raises(HubError, match=r"pytorch_model\.bin is a pickle, which is never opened"):
        open_hub_zoo(ADDRESS)
    assert hub.downloaded() == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"file": "zero.pt"}, r"zero\.pt where a \.safetensors file belongs; pickled"),
        ({"file": "../../zero.safetensors"}, "unsafe file"),
        ({"name": "<b>zero</b>"}, "name must be letters, digits"),
        ({"sha256": "abc"}, "sha256 must be 64 hexadecimal digits"),
        ({"bytes": -1}, "bytes must be a whole number"),
        ({"bytes": 5_000_000_000}, "larger than 4 GB"),
        ({"surprise": 1}, "unknown field 'surprise'"),
    ],
)
def test_manifests_of_strangers_are_checked(
    hub: HubStandIn, tiny_zoo: Zoo, tmp_path: Path, change: dict[str, object], message: str
) -> None:
    folder = folder_of(tiny_zoo, tmp_path)
    edit_entry(folder, "zero", **change)
    hub.host(folder, REPO)
    with pytest.raises(HubError, match=message):
        open_hub_zoo(ADDRESS)


def test_a_manifest_cannot_show_pictures_of_this_machine(
    hub: HubStandIn, tiny_zoo: Zoo, tmp_path: Path
) -> None:
    folder = folder_of(tiny_zoo, tmp_path)
    manifest = json.loads((folder / MANIFEST).read_text())
    manifest["folder"] = {"path": "/home", "layout": "folders", "seed": 0}
    (folder / MANIFEST).write_text(json.dumps({**manifest, "identities": []}))
    hub.host(folder, REPO)
    with pytest.raises(HubError, match="names a folder of its maker's machine"):
        open_hub_zoo(ADDRESS)
    assert set(hub.downloaded()) == {MANIFEST}


def test_a_huge_manifest_is_not_even_fetched(hub: HubStandIn, tmp_path: Path) -> None:
    folder = tmp_path / "huge"
    folder.mkdir()
    (folder / MANIFEST).write_bytes(b" " * 4_000_001)
    hub.host(folder, REPO)
    with pytest.raises(HubError, match="cannot be a zoo's"):
        open_hub_zoo(ADDRESS)
    assert hub.downloaded() == []


def test_a_pickle_that_calls_itself_safetensors_is_not_opened(
    hub: HubStandIn, tiny_zoo: Zoo, tmp_path: Path
) -> None:
    folder = folder_of(tiny_zoo, tmp_path)
    (folder / "zero.safetensors").write_bytes(pickle.dumps({"weight": 1}))
    stored = FolderZoo(folder)._stored("zero.safetensors")
    edit_entry(folder, "zero", bytes=stored.bytes, sha256=stored.sha256)
    hub.host(folder, REPO)
    zoo = open_hub_zoo(ADDRESS)
    with pytest.raises(CheckpointError, match="not a safetensors file"):
        zoo.load_classifier("zero")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"architecture": "resnet18", "arguments": {}}, "does not fit architecture resnet18"),
        ({"num_classes": 7}, "does not fit"),
        ({"architecture": "resnet18", "arguments": {"pretrained": True}}, "cannot be built"),
        ({"architecture": "resnet18", "arguments": {"weights": "DEFAULT"}}, "cannot be built"),
    ],
)
def test_another_architecture_than_the_weights_is_refused(
    hub: HubStandIn, tiny_zoo: Zoo, tmp_path: Path, change: dict[str, object], message: str
) -> None:
    folder = folder_of(tiny_zoo, tmp_path)
    edit_entry(folder, "zero", **change)
    hub.host(folder, REPO)
    zoo = open_hub_zoo(ADDRESS)
    with pytest.raises(CheckpointError, match=message):
        zoo.load_classifier("zero")
    zoo.load_classifier("negative")  # the others go on working


def test_no_room_is_said_before_the_download(
    hub: HubStandIn, commit: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(offer, "SPARE_BYTES", 10**18)
    with pytest.raises(HubError, match=r"needs .* MB more in .*set HF_HOME to another disk"):
        open_hub_zoo(ADDRESS)


def test_a_mistake_of_ours_is_not_dressed_up() -> None:
    assert explain(KeyError("oops"), "hf://ada/zoo") is None
    with pytest.raises(KeyError):
        client.within(lambda: {}["oops"], "hf://ada/zoo")
