"""Attribute leakage: shares by hand and by a plain loop; a refusal, never an invented number."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from mia_demo.data.attributes import ATTRIBUTES, true_values
from mia_demo.errors import CheckpointError
from mia_demo.metrics.attributes import base_rates, right_values, shares
from mia_demo.report.text import as_attribute_markdown
from mia_demo.sweep.judging import AttributeJudge, open_attribute_judge
from mia_demo.sweep.rows import LaneRow
from mia_demo.system.device import Compute
from mia_demo.training.classifier import LabelledImages
from mia_demo.zoo.folder import FolderZoo
from mia_demo.zoo.manifest import MANIFEST
from mia_demo.zoo.reading import Zoo

NAMES = [attribute.name for attribute in ATTRIBUTES]


@pytest.fixture(scope="module")
def judge(zoo: Zoo, compute: Compute) -> AttributeJudge:
    return AttributeJudge(zoo, compute)


@pytest.fixture
def copy(zoo: Zoo, tmp_path: Path) -> Path:
    """A zoo of heads and identities that a test may damage."""
    parts = [part.file for part in zoo.manifest.identities]
    for name in (MANIFEST, "attributes.safetensors", *parts):
        shutil.copy(zoo.root / name, tmp_path / name)
    return tmp_path


def edit(root: Path, change) -> Zoo:
    manifest = json.loads((root / MANIFEST).read_text())
    change(manifest)
    (root / MANIFEST).write_text(json.dumps(manifest))
    return FolderZoo(root)


def test_shares_and_base_rates_by_hand() -> None:
    #                      sex  ancestry  style  colour  beard  age
    truth = torch.tensor([[0, 1, 4, 0, 0, 2], [1, 1, 5, -1, 1, 0], [1, 2, 4, 3, 0, 1]])
    seen = torch.tensor([[0, 1, 4, 1, 1, 0], [1, 0, 5, 0, 1, 1], [1, 2, 0, 3, 1, 2]])
    found = shares(right_values(seen, truth))
    expected = [1, 2 / 3, 2 / 3, 1 / 2, 1 / 3, 0]  # the bald one's hair colour does not count
    assert list(found) == NAMES
    assert list(found.values()) == pytest.approx(expected)
    assert base_rates(truth) == {
        "sex": ("male", 2 / 3),
        "ancestry": ("Asian", 2 / 3),
        "hair style": ("long01", 2 / 3),
        "hair colour": ("black", 1 / 2),
        "beard": ("no", 2 / 3),
        "age band": ("young", 1 / 3),
    }


def test_what_applies_to_nobody_has_no_share() -> None:
    bald = torch.tensor([[1, 0, 5, -1, 0, 0]])
    assert shares(right_values(bald.clamp(min=0), bald))["hair colour"] is None
    assert "hair colour" not in base_rates(bald)


def test_shares_agree_with_a_plain_loop(judge: AttributeJudge, zoo: Zoo) -> None:
    identities = zoo.identities()
    images, labels = identities.tensors(64, labels=[3, 7, 50], indices=[50, 51])
    truth = true_values(identities)
    right = dict.fromkeys(NAMES, 0)
    for image, label in zip(images, labels.tolist(), strict=True):
        with torch.no_grad():
            logits = judge.heads(image[None] / 127.5 - 1)[0]
        for index, attribute in enumerate(ATTRIBUTES):
            head, logits = logits[: len(attribute.values)], logits[len(attribute.values) :]
            right[attribute.name] += int(head.argmax() == truth[label, index])
    found = shares(judge.right(LabelledImages(images, labels)))
    assert found == pytest.approx({name: count / 6 for name, count in right.items()})
    one = judge.shares(images[:2].permute(0, 2, 3, 1).numpy(), 3)
    assert one == shares(judge.right(LabelledImages(images[:2], torch.tensor([3, 3]))))


def test_reference_of_the_embedded_zoo(judge: AttributeJudge, zoo: Zoo) -> None:
    reference = judge.reference(range(100))
    assert list(reference) == NAMES
    assert reference["sex"]["base_rate"] == 0.5
    assert (reference["beard"]["base_value"], reference["beard"]["base_rate"]) == ("no", 0.85)
    stated = zoo.entry("attributes").training.held_out_accuracy
    for name, known in reference.items():
        assert known["held_out_accuracy"] == stated[name]
        # Worth using: real pictures of strangers are read far better than by guessing, but for
        # the age, which hardly shows.
        margin = 0.05 if name == "age band" else 0.1
        assert known["real_test_accuracy"] > known["base_rate"] + margin


def test_heads_are_small(zoo: Zoo) -> None:
    assert zoo.entry("attributes").stored.bytes < 400_000


def test_a_zoo_without_heads_gives_a_reason_and_no_number(
    copy: Path, compute: Compute, make_row: Callable[..., LaneRow]
) -> None:
    def forget(manifest) -> None:
        kept = [e for e in manifest["checkpoints"] if e["kind"] != "attributes"]
        manifest["checkpoints"] = kept

    judge, reason = open_attribute_judge(edit(copy, forget), compute)
    assert judge is None
    assert "no attribute heads; run make-zoo" in reason
    rows = [make_row("zero", 0.0, 0.5, attributes={}, refused={"attributes": reason})]
    assert as_attribute_markdown(rows, {}) == f"Attribute leakage was not measured: {reason}\n"


def test_identities_without_attributes_give_a_reason(
    zoo: Zoo, compute: Compute, tmp_path: Path, identity_folder: Path
) -> None:
    shutil.copy(zoo.root / "attributes.safetensors", tmp_path)
    shutil.copy(zoo.root / MANIFEST, tmp_path)
    archive = shutil.make_archive(str(tmp_path / "people"), "zip", identity_folder)
    own = FolderZoo(tmp_path)
    own.set_identities([Path(archive).name], 3)
    judge, reason = open_attribute_judge(own, compute)
    assert judge is None
    assert "identities have no attributes" in reason


def test_heads_of_other_definitions_are_refused(copy: Path, compute: Compute) -> None:
    def shift(manifest) -> None:
        (entry,) = (e for e in manifest["checkpoints"] if e["kind"] == "attributes")
        entry["training"]["recipe"]["attributes"]["age_bands"] = [0.3, 0.6]

    with pytest.raises(CheckpointError, match="other definitions"):
        open_attribute_judge(edit(copy, shift), compute)


def test_damaged_heads_are_no_reason_to_leave_them_out(copy: Path, compute: Compute) -> None:
    data = bytearray((copy / "attributes.safetensors").read_bytes())
    data[-1] ^= 1
    (copy / "attributes.safetensors").write_bytes(data)
    with pytest.raises(CheckpointError, match="differs from its manifest entry"):
        open_attribute_judge(FolderZoo(copy), compute)


def test_markdown_compares_lanes_with_base_rate_and_ceiling(
    make_row: Callable[..., LaneRow],
) -> None:
    rows = [
        make_row("zero", 0, 0.5),
        make_row("negative", 0, 0.5, attributes={"sex": 0.5}, attributes_ci95={"sex": [0.4, 0.6]}),
    ]
    reference = {
        "sex": {"base_value": "female", "base_rate": 0.5, "real_test_accuracy": 0.99,
                "held_out_accuracy": 0.98}
    }  # fmt: skip
    assert as_attribute_markdown(rows, reference).splitlines() == [
        "| attribute | base rate | zero | negative | real test images | held-out public images |",
        "|---|---|---|---|---|---|",
        "| sex | 50.0% (female) | 75.0% (70.0% to 80.0%) | 50.0% (40.0% to 60.0%) "
        "| 99.0% | 98.0% |",
    ]
