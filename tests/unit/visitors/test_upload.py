"""A visitor's zip: what is taken, and every way in which it is refused."""

from __future__ import annotations

import io
import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mia_demo.data.identities import open_identity_set
from mia_demo.errors import DataError
from mia_demo.visitors import upload as module
from mia_demo.visitors.upload import UploadSummary, shown_name, store_upload

Pack = Callable[..., Path]


def photo(
    colour: tuple[int, int, int] = (10, 20, 30),
    size: tuple[int, int] = (40, 40),
    kind: str = "png",
    **options: object,
) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", size, colour).save(buffer, format=kind, **options)
    return buffer.getvalue()


PHOTO = photo()


def with_short_chunk(png: bytes, name: bytes) -> bytes:
    """With a chunk after the picture that is too short to be one."""
    chunk = name + b"\0\0"
    chunk = struct.pack(">I", 2) + chunk + struct.pack(">I", zlib.crc32(chunk))
    end = png.index(b"IEND") - 4
    return png[:end] + chunk + png[end:]


def people(*names: str, photos: int = 4) -> dict[str, bytes]:
    return {f"{name}/{n}.png": PHOTO for name in names or ("ada", "bob") for n in range(photos)}


def store(source: Path, target: Path) -> UploadSummary:
    *progress, summary = store_upload(source, target)
    assert progress[-1] == 1.0
    assert isinstance(summary, UploadSummary)
    return summary


def refusal(source: Path, tmp_path: Path) -> str:
    """The message, after which nothing may lie on the disk."""
    with pytest.raises(DataError) as error:
        list(store_upload(source, tmp_path / "out" / "clean.zip"))
    assert not (tmp_path / "out").exists() or not list((tmp_path / "out").iterdir())
    return str(error.value)


def test_people_are_stored_under_names_of_our_own(zip_of: Pack, tmp_path: Path) -> None:
    files = {
        **people("set/bob", "set/Ada", photos=10),
        **people("set/<img src=x>", photos=5),
        "set/bob/.DS_Store": b"x",
        "__MACOSX/set/bob/._0.png": b"x",
        "set/Thumbs.db": b"x",
    }
    summary = store(zip_of(files), tmp_path / "clean.zip")
    assert summary.names == ("<img src=x>", "Ada", "bob")  # shown, and escaped there
    assert (summary.photos, summary.train_images) == ((5, 10, 10), 8)
    with zipfile.ZipFile(tmp_path / "clean.zip") as clean:
        assert clean.namelist()[0] == "0000/0000.jpg"
        assert all(name.replace("/", "").replace(".jpg", "").isdigit() for name in clean.namelist())
    stored = open_identity_set(tmp_path / "clean.zip")
    assert [len(entries) for entries in stored.entries] == [5, 10, 10]
    assert stored.image(0, 0).size == (128, 128)


def test_photos_are_turned_cropped_and_rid_of_what_the_camera_wrote(
    zip_of: Pack, tmp_path: Path
) -> None:
    # Red on the left; the camera says: turn by 90 degrees to the right.
    pixels = np.zeros((60, 120, 3), np.uint8)
    pixels[:, :60, 0] = 255
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010E] = "taken at home"
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", exif=exif)
    files = {**people(), **{f"ada/{n}.png": buffer.getvalue() for n in range(4)}}
    summary = store(zip_of(files), tmp_path / "clean.zip")
    assert (summary.cropped, summary.smallest) == (4, 40)
    turned = open_identity_set(tmp_path / "clean.zip").image(0, 0)
    assert turned.getpixel((64, 10))[0] > 200  # type: ignore[index]
    assert turned.getpixel((64, 117))[0] < 50  # type: ignore[index]
    assert b"taken at home" not in (tmp_path / "clean.zip").read_bytes()


@pytest.mark.parametrize(
    ("files", "sentence"),
    [
        ({"../evil.png": PHOTO}, "'../evil.png' points outside the zip"),
        ({"/etc/evil.png": PHOTO}, "'etc/evil.png' points outside the zip"),
        ({"C:/x/evil.png": PHOTO}, "'x/evil.png' points outside the zip"),
        ({"a\\..\\..\\evil.png": PHOTO}, "'../evil.png' points outside the zip"),
        ({"ada/inner.zip": b"PK"}, "'ada/inner.zip' is an archive within the zip; unpack it"),
        (
            {"ada/notes.txt": b"hi"},
            "'ada/notes.txt' is not a photo; JPEG, PNG and WebP can be read",
        ),
        ({"ada/vector.svg": b"<svg/>"}, "'ada/vector.svg' is an SVG drawing; JPEG"),
        ({"ada/fake.png": b"not a picture"}, "'ada/fake.png' cannot be read as a photo"),
        ({"ada/cut.png": PHOTO[:60]}, "'ada/cut.png' cannot be read as a photo"),
        ({"ada/empty.jpg": b""}, "'ada/empty.jpg' cannot be read as a photo"),
        ({"ada/gama.png": with_short_chunk(PHOTO, b"gAMA")}, "'ada/gama.png' cannot be read"),
        ({"ada/chrm.png": with_short_chunk(PHOTO, b"cHRM")}, "'ada/chrm.png' cannot be read"),
        ({"ada/gif.png": photo(kind="gif")}, "'ada/gif.png' is a GIF picture"),
        ({"ada/tiny.png": photo(size=(8, 40))}, "8 x 40 pixels; at least 32 x 32 are needed"),
        ({"ada/bomb.png": bytes(15_000_000)}, "compressed more than 200 to 1"),
        (
            {"ada/huge.png": bytes(21_000_000)},
            "'ada/huge.png' unpacks to 21 MB; the limit of a photo",
        ),
        ({"ADA/0.PNG": PHOTO}, "'ADA/0.PNG' is in the zip twice"),
        ({"Bob/9.png": PHOTO}, "Two folders are called 'Bob'"),
        ({"stray.png": PHOTO}, "'stray.png' lies in no folder"),
        ({"carl/0.png": PHOTO}, "'carl' has 1 photo; at least 4 are needed"),
    ],
)
def test_hostile_and_broken_entries_are_refused_by_name(
    zip_of: Pack, tmp_path: Path, files: dict[str, bytes], sentence: str
) -> None:
    assert sentence in refusal(zip_of({**people(), **files}), tmp_path)


def test_links_are_refused(zip_of: Pack, tmp_path: Path) -> None:
    path = zip_of(people())
    with zipfile.ZipFile(path, "a") as archive:
        link = zipfile.ZipInfo("ada/link.png")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
    assert "'ada/link.png' is a link; pack the photo itself" in refusal(path, tmp_path)


def test_encrypted_entries_are_refused(zip_of: Pack, tmp_path: Path) -> None:
    path = zip_of(people())
    data = bytearray(path.read_bytes())
    entry = data.index(b"PK\x01\x02")
    data[entry + 8] |= 1  # the flag in the table of contents
    path.write_bytes(data)
    assert "is encrypted; pack the zip without a password" in refusal(path, tmp_path)


def test_a_lying_size_unpacks_to_no_more_than_it_says(zip_of: Pack, tmp_path: Path) -> None:
    path = zip_of({**people(), "ada/liar.png": bytes(8_000_000)})
    data = path.read_bytes()
    # A bomb that calls itself small, in its own header and in the table of contents.
    path.write_bytes(data.replace(struct.pack("<I", 8_000_000), struct.pack("<I", 5_000)))
    assert "'ada/liar.png' cannot be read as a photo" in refusal(path, tmp_path)


def test_limits_are_said_with_the_remedy(
    zip_of: Pack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = zip_of(people())
    for limit, value, sentence in (
        ("MAX_ZIP_BYTES", 100, "Shrink the photos, 256 pixels are plenty"),
        ("MAX_UNPACKED_BYTES", 100, "The zip unpacks to 0 MB; the limit is 0 MB. Shrink"),
        ("MAX_FILES", 7, "The zip holds 8 files; the limit is 7. Take fewer photos."),
        ("MAX_PHOTO_PIXELS", 1599, "has 40 x 40 pixels; the limit is"),
        ("MAX_UPLOAD_PEOPLE", 1, "The zip holds 2 folders of photos; 2 to 1 are needed"),
    ):
        with monkeypatch.context() as patch:
            patch.setattr(module, limit, value)
            assert sentence in refusal(path, tmp_path)
    assert "holds 1 folders of photos" in refusal(zip_of(people("ada")), tmp_path)


def test_a_picture_that_claims_to_be_huge_is_never_unpacked(zip_of: Pack, tmp_path: Path) -> None:
    start = PHOTO.index(b"IHDR")
    header = b"IHDR" + struct.pack(">II", 60_000, 60_000) + PHOTO[start + 12 : start + 17]
    checksum = struct.pack(">I", zlib.crc32(header))
    huge = PHOTO[:start] + header + checksum + PHOTO[start + len(header) + 4 :]
    path = zip_of({**people(), "ada/huge.png": huge})
    assert "'ada/huge.png' claims to have more than 25 megapixels" in refusal(path, tmp_path)


def test_no_zip_at_all(tmp_path: Path) -> None:
    fake = tmp_path / "fake.zip"
    fake.write_bytes(b"PK but not really")
    assert refusal(fake, tmp_path) == (
        "The file is not a readable zip; pack the folders again as .zip."
    )


def test_names_are_fit_to_be_shown() -> None:
    assert shown_name("  Ada\n\u202eLovelace\x00 ") == "AdaLovelace"
    assert len(shown_name("x" * 300)) == 40


def test_albums_are_never_taken_for_people(zip_of: Pack, tmp_path: Path) -> None:
    albums = zip_of(people("ada/2019", "ada/2020", "bob/2019", "bob/2021"))
    said = refusal(albums, tmp_path)
    assert "folders within folders, such as 'ada/2019' and 'ada/2020'" in said
    beside = store(zip_of({**people(), **people("ada/2019", "bob/x/y")}), tmp_path / "clean.zip")
    assert (beside.names, beside.photos) == (("ada", "bob"), (8, 8))
    inner = store(zip_of(people("ada/photos", "bob/photos")), tmp_path / "clean.zip")
    assert (inner.names, inner.photos) == (("ada", "bob"), (4, 4))


def test_16_bit_grey_keeps_its_levels(zip_of: Pack, tmp_path: Path) -> None:
    buffer = io.BytesIO()
    levels = np.full((40, 40), 128 * 257, np.uint16)
    Image.fromarray(levels).save(buffer, "PNG")
    store(
        zip_of({**people(photos=3), "ada/x.png": buffer.getvalue(), "bob/x.png": PHOTO}),
        tmp_path / "clean.zip",
    )
    grey = open_identity_set(tmp_path / "clean.zip").image(0, 3)
    assert grey.getpixel((64, 64)) == (128, 128, 128)


@pytest.mark.parametrize("name", [".", "./", "ada/.DS_Store", "Thumbs.db", "ada/desktop.ini",
                                  "@eaDir/ada/0.png", "__MACOSX/ada/._0.png"])  # fmt: skip
def test_what_systems_leave_in_folders_is_ignored(zip_of: Pack, tmp_path: Path, name: str) -> None:
    summary = store(zip_of({**people(), name: b"x"}), tmp_path / "clean.zip")
    assert summary.photos == (4, 4)


@pytest.mark.parametrize(
    ("name", "data", "kind"),
    [
        ("ada/x.heic", b"", "a HEIC photo, as iPhones take them"),
        ("ada/x.jpg", b"\0\0\0\x18ftypheic\0\0\0\0", "a HEIC photo"),
        ("ada/x.jpg", b"\0\0\0\x1cftypavif\0\0\0\0", "an AVIF picture"),
        ("ada/x.MOV", b"", "a video"),
    ],
)
def test_pictures_that_cannot_be_read_are_called_by_their_kind(
    zip_of: Pack, tmp_path: Path, name: str, data: bytes, kind: str
) -> None:
    said = refusal(zip_of({**people(), name: data}), tmp_path)
    assert f"{name!r} is {kind}" in said
    assert "convert or remove it" in said


def test_an_unusual_compression_is_named(zip_of: Pack, tmp_path: Path) -> None:
    path = zip_of(people())
    data = bytearray(path.read_bytes())
    directory = data.index(b"PK\x01\x02")
    data[directory + 10] = 9  # of the first entry
    path.write_bytes(data)
    assert "'ada/0.png' is packed with Deflate64" in refusal(path, tmp_path)


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_what_zipfile_would_unpack_whole_is_never_unpacked(
    zip_of: Pack, tmp_path: Path, method: int
) -> None:
    path = zip_of(people())
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("ada/bomb.png", bytes(50_000), compress_type=method)
    assert re.search("is packed with (bzip2|LZMA)", refusal(path, tmp_path))


@pytest.mark.filterwarnings("ignore::UserWarning")  # Pillow's
def test_a_photo_with_broken_metadata_is_a_photo(zip_of: Pack, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112], exif[0x011A] = 6, 72.0
    buffer = io.BytesIO()
    Image.new("RGB", (40, 60), (200, 0, 0)).save(buffer, "JPEG", exif=exif)
    data = bytearray(buffer.getvalue())
    start = data.index(b"Exif\0\0") + 6
    written = len(exif.tobytes()) - 14  # after the heads of EXIF and TIFF
    rng = np.random.default_rng(0)
    files = people()
    for n in range(60):  # each with other bytes of it spoiled
        spoiled = bytearray(data)
        for _ in range(4):
            spoiled[start + 8 + rng.integers(written)] = rng.integers(256)
        files[f"ada/broken{n}.jpg"] = bytes(spoiled)
    store(zip_of(files), tmp_path / "clean.zip")
    assert open_identity_set(tmp_path / "clean.zip").image(0, 63).size == (128, 128)
