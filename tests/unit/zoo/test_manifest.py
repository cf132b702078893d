"""The manifest: what is read is written again."""

from __future__ import annotations

import json
from pathlib import Path

from mia_demo.system.files import write_json
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
