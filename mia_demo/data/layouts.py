"""FaceScrub and CelebA as the reference code reads them: order of the classes, and the split.

Both splits shuffle the images of all classes together (numpy, one seed) and train on the first nine
tenths, so a checkpoint of the reference code is tested here on its own test images.
"""

import logging
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mia_demo.data.identities import IMAGE_SUFFIXES, IdentitySet, ImageEntry, open_identity_set
from mia_demo.data.splits import Items, seeded_split
from mia_demo.errors import ConfigError, DataError

log = logging.getLogger(__name__)

TRAIN_SHARE = 0.9
REFERENCE_SPLIT_SEED = 42  # of the reference code, for every data set and every evaluation
FACESCRUB_PARTS = ("actors", "actresses")  # in this order: labels 0-264 and 265-529
FACESCRUB_IDENTITIES = 530
CELEBA_IDENTITIES = 1000
# The reference code's share (800 of 1024 px) of the side of an FFHQ image, which shows more hair
# and shoulders than these sets. MetFaces is aligned like FFHQ.
FFHQ_CROP = {"facescrub": 800 / 1024, "celeba": 800 / 1024}
CELEBA_PICTURES = "img_align_celeba"
CELEBA_LABELS = "identity_CelebA.txt"


@dataclass(frozen=True)
class SplitSet:
    """An identity set, split into training and test images."""

    identities: IdentitySet
    train: Items
    test: Items


def open_layout(layout: str, folder: Path, seed: int = REFERENCE_SPLIT_SEED) -> SplitSet:
    """Lists and splits an identity set, without decoding images.

    Args:
        layout: one of ``LAYOUTS``.
        folder: that of the set; ``folders`` accepts a zip as well.
        seed: of the split.

    Raises:
        ConfigError: unknown layout.
        DataError: the folder lacks what the layout needs.
    """
    if layout not in LAYOUTS:
        raise ConfigError(f"No layout {layout!r}; choose one of {', '.join(LAYOUTS)}.")
    return LAYOUTS[layout](folder, seed)


def reference_split(labels: list[int], seed: int) -> tuple[list[int], list[int]]:
    """Positions of training and test images, each in ascending order.

    The reference code's split: positions 0..N-1 shuffled by numpy's generator with that seed, the
    first int(0.9 N) for training. Small classes may end up without a test image.

    Raises:
        ConfigError: numpy's generator does not take the seed.
    """
    if not 0 <= seed < 2**32:
        raise ConfigError(f"The seed of this layout's split must lie in 0 to {2**32 - 1}.")
    positions = np.arange(len(labels))
    np.random.RandomState(seed).shuffle(positions)
    trained = int(TRAIN_SHARE * len(positions))
    return sorted(positions[:trained].tolist()), sorted(positions[trained:].tolist())


def open_folders(folder: Path, seed: int) -> SplitSet:
    """One folder per identity, labels in the order of names; every identity is split by itself."""
    identities = open_identity_set(folder)
    return SplitSet(identities, *seeded_split(identities, seed))


def open_facescrub(folder: Path, seed: int) -> SplitSet:
    """``actors/faces/NAME/*.jpg`` and ``actresses/faces/NAME/*.jpg``: 530 identities.

    Labels follow the names in alphabetical order, all actors before all actresses.
    """
    names: list[str] = []
    pictures: list[list[ImageEntry]] = []
    for part in FACESCRUB_PARTS:
        faces = folder / part / "faces"
        if not faces.is_dir():
            raise DataError(
                f"{faces} does not exist; FaceScrub needs the cropped pictures in "
                "actors/faces/NAME and actresses/faces/NAME."
            )
        # As strings: Windows would sort paths without regard to case, and shift the labels.
        people = (path for path in faces.iterdir() if path.is_dir())
        for person in sorted(people, key=lambda path: path.name):
            photos = sorted(person.rglob("*"), key=lambda path: path.relative_to(person).as_posix())
            found = [p for p in photos if p.suffix.lower() in IMAGE_SUFFIXES]
            if found:
                names.append(person.name)
                pictures.append(
                    [ImageEntry(folder, p.relative_to(folder).as_posix()) for p in found]
                )
    return _split_set(folder, names, pictures, expected=FACESCRUB_IDENTITIES, seed=seed)


def open_celeba(folder: Path, seed: int, classes: int = CELEBA_IDENTITIES) -> SplitSet:
    """``identity_CelebA.txt`` and ``img_align_celeba/``: the identities with most images.

    Labels are ranks by number of images; ties are in the order of their first image. The paper
    crops the faces with HD-CelebA-Cropper (face factor 0.65, 224 px); images may be .jpg or .png.
    """
    listing, picture_folder = folder / CELEBA_LABELS, folder / CELEBA_PICTURES
    if not listing.is_file() or not picture_folder.is_dir():
        raise DataError(f"{folder} lacks {CELEBA_LABELS} or {CELEBA_PICTURES}/; CelebA needs both.")
    rows = [line.split() for line in listing.read_text("utf-8").splitlines() if line.strip()]
    if any(len(row) != 2 for row in rows):
        raise DataError(f"{listing} must hold lines such as '000001.jpg 2880'; download it again.")
    # Counter keeps the order of first occurrence, and most_common sorts stably.
    frequent = [name for name, _ in Counter(identity for _, identity in rows).most_common(classes)]
    label_of = {name: label for label, name in enumerate(frequent)}
    present = {path.name for path in picture_folder.iterdir()}
    pictures: list[list[ImageEntry]] = [[] for _ in frequent]
    order: list[tuple[int, int]] = []  # (label, index) in the order of the listing
    missing: list[str] = []
    for name, identity in rows:
        label = label_of.get(identity)
        if label is None:
            continue
        file = name if name in present else str(Path(name).with_suffix(".png"))
        if file not in present:
            missing.append(name)
            continue
        order.append((label, len(pictures[label])))
        pictures[label].append(ImageEntry(folder, f"{CELEBA_PICTURES}/{file}"))
    if missing:
        raise DataError(
            f"{picture_folder} lacks {len(missing)} pictures of the {len(frequent)} most frequent "
            f"identities, such as {missing[0]}; the split needs them all."
        )
    return _split_set(
        folder, frequent, pictures, order=order, expected=CELEBA_IDENTITIES, seed=seed
    )


def _split_set(
    folder: Path,
    names: list[str],
    pictures: list[list[ImageEntry]],
    *,
    order: list[tuple[int, int]] | None = None,
    expected: int,
    seed: int,
) -> SplitSet:
    """Splits images in ``order`` (label, index), by default identity by identity."""
    if len(names) < 2:
        raise DataError(f"{folder} holds pictures of {len(names)} identities; two are needed.")
    if len(names) != expected:
        log.warning(
            "%s holds %d identities instead of %d: labels do not fit published checkpoints.",
            folder, len(names), expected,
        )  # fmt: skip
    if order is None:
        order = [(label, i) for label, own in enumerate(pictures) for i in range(len(own))]
    train, test = reference_split([label for label, _ in order], seed)
    return SplitSet(
        IdentitySet(tuple(names), tuple(map(tuple, pictures))),
        [order[position] for position in train],
        [order[position] for position in test],
    )


LAYOUTS: dict[str, Callable[[Path, int], SplitSet]] = {
    "folders": open_folders,
    "facescrub": open_facescrub,
    "celeba": open_celeba,
}
