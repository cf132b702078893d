"""The manifest: what is read is written again."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mia_demo.cli import main
from mia_demo.errors import CheckpointError
from mia_demo.system.files import write_json
from mia_demo.zoo.folder import FolderZoo
from mia_demo.zoo.manifest import MANIFEST, read_manifest
from mia_demo.zoo.reading import Zoo


def test_the_embedded_manifest_is_written_again_to_the_byte(zoo: Zoo, tmp_path: Path) -> None:
    write_json(tmp_path / MANIFEST, read_manifest(zoo.root).to_json())
    assert (tmp_path / MANIFEST).read_bytes() == (zoo.root / MANIFEST).read_bytes()


def test_what_other_versions_noted_about_a_training_is_kept(zoo: Zoo, tmp_path: Path) -> None:
    values = json.loads((zoo.root / MANIFEST).read_text())
    values["checkpoints"][0]["training"]["optimiser"] = {"name": "Lion"}
    write_json(tmp_path / MANIFEST, values)
    assert read_manifest(tmp_path).to_json() == values


def damaged(zoo: Zoo, folder: Path, change: Callable[[dict[str, Any]], object]) -> Path:
    """A folder whose manifest says something else; the files are the embedded zoo's."""
    values = json.loads((zoo.root / MANIFEST).read_text())
    change(values)
    write_json(folder / MANIFEST, values)
    for stored in zoo.listed_files():
        (folder / stored.file).symlink_to(zoo.root / stored.file)
    return folder


def in_zero(**change: object) -> Callable[[dict[str, Any]], object]:
    return lambda values: next(e for e in values["checkpoints"] if e["name"] == "zero").update(
        change
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda values: values.update(train_images="x"), "train_images must be a whole number"),
        (lambda values: values.update(checkpoints={}), "checkpoints must be a list"),
        (lambda values: values.update(identities=[5]), "must be a JSON object"),
        (lambda values: values.update(folder={"path": 1, "layout": "folders", "seed": 0}), "path"),
        (lambda values: values.update(folder={"path": "/x"}), "folder lacks layout"),
        (in_zero(alpha="a"), "'zero': alpha must be a number"),
        (in_zero(alpha=10**400), "alpha must be a number"),
        (in_zero(arguments=5), "arguments must be an object"),
        (in_zero(arguments={"width": 10**9}), "argument 'width' must lie in 0 to 1024"),
        (in_zero(num_classes=-1), "num_classes must be a whole number"),
        (in_zero(num_classes=2147483648), "num_classes must be a whole number"),
        (in_zero(num_classes=1_000_000), "does not fit architecture compact_resnet"),
        (in_zero(training={"seconds": "long"}), "seconds must be a number"),
        (in_zero(training={"recipe": [[[[[[[[[1]]]]]]]]]}), "training must be an object, nested"),
        (in_zero(versions={"torch": 2}), "versions must be"),
    ],
)
def test_wrong_values_end_with_one_sentence_on_the_command_line(
    zoo: Zoo,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    change: Callable[[dict[str, Any]], object],
    message: str,
) -> None:
    folder = damaged(zoo, tmp_path, change)
    command = ["attack", "--zoo", str(folder), "--identity", "0", "--lanes", "zero"]
    assert main([*command, "--output", str(tmp_path / "out")]) == 2
    said = capsys.readouterr().err
    assert message in said
    assert "Traceback" not in said


def test_a_manifest_is_not_read_without_end(tmp_path: Path) -> None:
    (tmp_path / MANIFEST).write_bytes(b" " * 4_000_001)
    with pytest.raises(CheckpointError, match="too large for a manifest"):
        FolderZoo(tmp_path)
    (tmp_path / MANIFEST).write_bytes(b"[" * 100_000)
    with pytest.raises(CheckpointError, match="cannot be read"):
        FolderZoo(tmp_path)
