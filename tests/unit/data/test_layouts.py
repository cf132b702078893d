"""FaceScrub and CelebA folders: labels and splits of the reference code, on tiny trees."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mia_demo.data.layouts import open_celeba, open_layout, reference_split
from mia_demo.errors import ConfigError, DataError

# numpy.random.seed(42); numpy.random.shuffle(list(range(10))), the reference code's two lines.
SHUFFLED_10 = [8, 1, 5, 0, 7, 2, 9, 4, 3, 6]


def save_picture(path: Path, value: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((8, 8, 3), value, dtype=np.uint8)).save(path)


@pytest.fixture
def facescrub(tmp_path: Path) -> Path:
    """Ten pictures of four people; file and folder names out of order."""
    people = {
        "actresses/faces/Anna": 2, "actors/faces/Zac": 3, "actors/faces/Bob": 4,
        "actresses/faces/Zoe": 1,
    }  # fmt: skip
    value = 0
    for person, count in people.items():
        for number in reversed(range(count)):
            save_picture(tmp_path / person / f"{number}.jpg", value)
            value += 20
    (tmp_path / "actors" / "faces" / "Bob" / "notes.txt").write_text("no picture")
    save_picture(tmp_path / "actors" / "images" / "Bob" / "uncropped.jpg", 0)
    return tmp_path


def test_the_split_is_the_reference_codes() -> None:
    train, test = reference_split([0] * 10, seed=42)
    assert train == sorted(SHUFFLED_10[:9])
    assert test == SHUFFLED_10[9:]
    assert reference_split([0] * 10, seed=7) != (train, test)


def test_facescrub_puts_actors_before_actresses(facescrub: Path) -> None:
    data = open_layout("facescrub", facescrub)
    assert data.identities.names == ("Bob", "Zac", "Anna", "Zoe")
    assert [len(own) for own in data.identities.entries] == [4, 3, 2, 1]
    everything = [(0, 0), (0, 1), (0, 2), (0, 3), (1, 0), (1, 1), (1, 2), (2, 0), (2, 1), (3, 0)]
    assert data.test == [everything[6]]  # position 6 comes last in SHUFFLED_10
    assert data.train == [item for item in everything if item != everything[6]]
    images, labels = data.identities.items(8, data.test)
    assert images.shape == (1, 3, 8, 8)
    assert labels.tolist() == [1]
    assert data.identities.entries[1][2].name == "actors/faces/Zac/2.jpg"


@pytest.fixture
def celeba(tmp_path: Path) -> Path:
    """Ten pictures of the three most frequent of five identities; 9 and 4 have equally many."""
    people = [9, 4, 7, 7, 2, 4, 9, 7, 5, 7, 9, 4]
    lines = []
    for number, identity in enumerate(people, start=1):
        lines.append(f"{number:06d}.jpg {identity}")
        save_picture(tmp_path / "img_align_celeba" / f"{number:06d}.png", number)
    (tmp_path / "identity_CelebA.txt").write_text("\n".join(lines) + "\n")
    return tmp_path


def test_celeba_takes_the_most_frequent_identities_in_rank_order(celeba: Path) -> None:
    data = open_celeba(celeba, 42, classes=3)
    assert data.identities.names == ("7", "9", "4")  # four pictures, then three each: 9 came first
    assert [entry.name[-10:] for entry in data.identities.entries[0]] == [
        "000003.png", "000004.png", "000008.png", "000010.png"
    ]  # fmt: skip
    # Kept pictures in the listing's order are 1 2 3 4 6 7 8 10 11 12; position 6 is picture 8.
    assert data.test == [(0, 2)]
    assert len(data.train) == 9


def test_a_layout_names_what_it_lacks(facescrub: Path, celeba: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"actors/faces does not exist.*actresses/faces/NAME"):
        open_layout("facescrub", tmp_path / "nowhere")
    with pytest.raises(DataError, match=r"lacks identity_CelebA\.txt or img_align"):
        open_layout("celeba", tmp_path / "nowhere")
    (celeba / "img_align_celeba" / "000008.png").unlink()
    with pytest.raises(DataError, match=r"lacks 1 pictures.*000008.jpg"):
        open_layout("celeba", celeba)
    (celeba / "identity_CelebA.txt").write_text("000001.jpg\n")
    with pytest.raises(DataError, match="must hold lines such as"):
        open_layout("celeba", celeba)
    with pytest.raises(ConfigError, match="No layout 'lfw'; choose one of folders, facescrub"):
        open_layout("lfw", tmp_path)


def test_other_counts_than_the_published_are_told(
    facescrub: Path, caplog: pytest.LogCaptureFixture
) -> None:
    open_layout("facescrub", facescrub)
    assert "4 identities instead of 530: labels do not fit" in caplog.text


def test_a_seed_that_the_reference_split_cannot_take_is_refused() -> None:
    for seed in (-1, 2**32):
        with pytest.raises(ConfigError, match="must lie in 0 to 4294967295"):
            reference_split([0] * 10, seed)
