"""Identity sets: layouts that work, and hostile or broken ones that are refused by name."""

from __future__ import annotations

import io
import json
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from mia_demo.data import identities as module
from mia_demo.data.identities import open_identity_set
from mia_demo.errors import DataError
from mia_demo.zoo.reading import Zoo

Pack = Callable[..., Path]


def png(colour: tuple[int, int, int] = (10, 20, 30), size: tuple[int, int] = (8, 8)) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", size, colour).save(buffer, format="PNG")
    return buffer.getvalue()


def test_folder_and_zip_give_the_same_pictures(identity_folder: Path, zip_of: Pack) -> None:
    files = {
        f"top/{path.relative_to(identity_folder)}": path.read_bytes()
        for path in identity_folder.rglob("*.png")
    }
    packed = open_identity_set(zip_of(files))
    folder = open_identity_set(identity_folder)
    assert packed.names == folder.names == ("ada", "bob", "cleo")
    images, labels = folder.tensors(16)
    packed_images, packed_labels = packed.tensors(16)
    assert images.shape == (12, 3, 16, 16)
    assert images.dtype == torch.uint8
    assert torch.equal(images, packed_images)
    kept = packed.kept_open()
    assert all(torch.equal(images, kept.tensors(16)[0]) for _ in range(2))
    assert labels.tolist() == packed_labels.tolist() == [0] * 4 + [1] * 4 + [2] * 4


def test_chosen_labels_keep_their_numbers(identity_folder: Path) -> None:
    _, labels = open_identity_set(identity_folder).tensors(16, labels=[2], indices=[0, 3, 9])
    assert labels.tolist() == [2, 2]


def test_parts_form_one_set_with_attributes(zip_of: Pack) -> None:
    one = zip_of({"a/0.png": png(), "a/1.png": png()}, "one.zip")
    facts = json.dumps({"b": {"sex": "female"}}).encode()
    two = zip_of({"b/0.png": png(), "b/1.png": png(), "identities.json": facts}, "two.zip")
    both = open_identity_set([one, two])
    assert both.names == ("a", "b")
    assert both.attributes == {"b": {"sex": "female"}}
    assert both.image(1, 0).size == (8, 8)


@pytest.mark.parametrize("name", ["../evil.png", "a/../../evil.png", "/etc/evil.png", "C:/x/e.png",
                                  "a\\..\\..\\evil.png"])  # fmt: skip
def test_path_traversal_is_refused(zip_of: Pack, name: str) -> None:
    path = zip_of({"a/0.png": png(), "a/1.png": png(), "b/0.png": png(), name: png()})
    with pytest.raises(DataError, match="points outside") as error:
        open_identity_set(path)
    assert "evil" in str(error.value) or "e.png" in str(error.value)


def test_zip_bombs_are_refused_before_unpacking(zip_of: Pack) -> None:
    bomb = zip_of({"a/0.png": png(), "a/bomb.png": bytes(15_000_000)})
    with pytest.raises(DataError, match=r"a/bomb\.png.*zip bomb"):
        open_identity_set(bomb)
    large = zip_of({"a/huge.png": bytes(21_000_000)}, "large.zip")
    with pytest.raises(DataError, match=r"a/huge\.png unpacks to"):
        open_identity_set(large)


def test_too_many_pixels_are_refused(zip_of: Pack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_IMAGE_PIXELS", 63)
    people = open_identity_set(zip_of({f"{who}/{i}.png": png() for who in "ab" for i in range(2)}))
    with pytest.raises(DataError, match=r"a/0\.png has 8 x 8 pixels"):
        people.tensors(16)


@pytest.mark.parametrize("kind", ["webp", "jpeg", "gif", "bmp", "tiff", "tga", "ppm"])
def test_any_pillow_format_is_read(zip_of: Pack, kind: str) -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8), (200, 100, 50)).save(buffer, format=kind)
    files = {f"{who}/{i}.{kind}": buffer.getvalue() for who in "ab" for i in range(2)}
    images, _ = open_identity_set(zip_of(files)).tensors(8)
    assert images[0, :, 4, 4].tolist() == pytest.approx([200, 100, 50], abs=6)


def test_postscript_is_never_handed_to_ghostscript(zip_of: Pack) -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8)).save(buffer, format="eps")
    people = open_identity_set(
        zip_of({f"{who}/{i}.png": buffer.getvalue() for who in "ab" for i in range(2)})
    )
    with pytest.raises(DataError, match=r"a/0\.png cannot be read"):
        people.tensors(8)


@pytest.mark.parametrize("content", [b"not a picture", png()[:40], b""])
def test_broken_images_are_named(zip_of: Pack, content: bytes) -> None:
    files = {"a/0.png": png(), "a/1.png": content, "b/0.png": png(), "b/1.png": png()}
    people = open_identity_set(zip_of(files))
    with pytest.raises(DataError, match=r"a/1\.png cannot be read"):
        people.tensors(16)


def test_one_identity_is_too_few(zip_of: Pack) -> None:
    with pytest.raises(DataError, match="1 identities; at least 2"):
        open_identity_set(zip_of({"a/0.png": png(), "a/1.png": png()}))


def test_an_identity_with_one_image_is_named(zip_of: Pack) -> None:
    with pytest.raises(DataError, match=r"'b'.* has 1 images; at least 2"):
        open_identity_set(zip_of({"a/0.png": png(), "a/1.png": png(), "b/0.png": png()}))


def test_images_outside_an_identity_folder_are_named(zip_of: Pack) -> None:
    with pytest.raises(DataError, match=r"stray\.png lies in no identity's folder"):
        open_identity_set(zip_of({"stray.png": png()}))


def test_not_a_zip_and_no_file(tmp_path: Path) -> None:
    fake = tmp_path / "fake.zip"
    fake.write_bytes(b"PK but not really")
    with pytest.raises(DataError, match="not a readable zip"):
        open_identity_set(fake)
    with pytest.raises(DataError, match="does not exist"):
        open_identity_set(tmp_path / "absent.zip")


def test_the_embedded_set_is_complete(zoo: Zoo) -> None:
    people = zoo.identities()
    assert len(people) == 100
    assert {len(entries) for entries in people.entries} == {60}
    assert people.names[7] == "0007"
    assert people.attributes["0007"]["sex"] in ("male", "female")
    assert people.image(7, 0).size == (128, 128)
    assert all(part.bytes < 10_000_000 for part in zoo.manifest.identities)
    items = zoo.split_items(people)
    assert (len(items["train"]), len(items["test"])) == (4800, 1200)


def test_albums_and_groups_are_never_taken_for_identities(zip_of: Pack) -> None:
    def pair(folder: str) -> dict[str, bytes]:
        return {f"{folder}/0.png": png(), f"{folder}/1.png": png()}

    for folders in (
        ("p0/2024", "p0/2025", "p1/2024", "p1/2025"),
        ("p0/2019", "p0/2020", "p1/2021", "p1/2022"),
        ("train/ada", "train/bob", "test/ada", "test/bob"),
    ):
        files = {name: data for folder in folders for name, data in pair(folder).items()}
        with pytest.raises(DataError, match=f"such as .*{folders[0]}.* unclear which of them are"):
            open_identity_set(zip_of(files))
    files = {**pair("all/ada"), **pair("all/ada/holiday"), **pair("all/bob")}
    found = open_identity_set(zip_of(files))
    assert (found.names, list(map(len, found.entries))) == (("ada", "bob"), [4, 2])


@pytest.mark.parametrize("name", [".", "__MACOSX/a/._0.png", "a/Thumbs.db", "a/@eaDir/0.png"])
def test_what_systems_leave_in_folders_is_ignored(zip_of: Pack, name: str) -> None:
    files = {f"{person}/{n}.png": png() for person in "ab" for n in range(2)}
    found = open_identity_set(zip_of({**files, name: b"x"}))
    assert list(map(len, found.entries)) == [2, 2]


def test_a_photo_of_a_kind_that_cannot_be_read_is_not_left_out_in_silence(zip_of: Pack) -> None:
    files = {f"{person}/{n}.png": png() for person in "ab" for n in range(2)}
    with pytest.raises(DataError, match=r"a/2\.HEIC is a HEIC photo.*convert it to JPEG"):
        open_identity_set(zip_of({**files, "a/2.HEIC": b"x"}))


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_16_bit_grey_keeps_its_levels(zip_of: Pack, kind: str) -> None:
    buffer = io.BytesIO()
    levels = np.array([[0, 257 * 100], [257 * 200, 65535]], np.uint16)
    Image.fromarray(levels).save(buffer, kind)
    files = {f"{person}/{n}.png": png() for person in "ab" for n in range(2)}
    found = open_identity_set(zip_of({**files, f"a/2.{kind.lower()}": buffer.getvalue()}))
    assert np.asarray(found.image(0, 2))[..., 0].tolist() == [[0, 100], [200, 255]]


def test_a_broken_packing_of_a_photo_is_named(zip_of: Pack) -> None:
    path = zip_of({f"{person}/{n}.png": png() for person in "ab" for n in range(2)})
    data = bytearray(path.read_bytes())
    start = data.index(b"a/1.png") + len("a/1.png")
    data[start : start + 4] = b"\x07\xff\xff\xff"  # no block of deflate
    path.write_bytes(data)
    with pytest.raises(DataError, match=r"set\.zip:a/1\.png cannot be read"):
        open_identity_set(path).image(0, 1)


def test_a_lying_size_unpacks_to_no_more_than_it_says(zip_of: Pack) -> None:
    path = zip_of(
        {"a/0.png": png(), "a/1.png": bytes(8_000_000), "b/0.png": png(), "b/1.png": png()}
    )
    data = path.read_bytes()
    path.write_bytes(data.replace(struct.pack("<I", 8_000_000), struct.pack("<I", 5_000)))
    with pytest.raises(DataError, match=r"a/1\.png cannot be read"):
        open_identity_set(path).image(0, 1)
