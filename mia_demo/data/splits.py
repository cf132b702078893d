"""Which people and images are for training and which for the test."""

from pathlib import Path

import torch

from mia_demo.data.identities import IdentitySet, open_identity_set
from mia_demo.errors import ConfigError, DataError

HELD_OUT_EVERY = 10  # every tenth public identity is never trained on, but measured on

Items = list[tuple[int, int]]  # (label, index of the image)


def open_public_identities(folder: Path) -> IdentitySet:
    """The people of ``public_*.zip`` in a folder.

    Raises:
        DataError: there are none, or they cannot be read.
    """
    parts = sorted(folder.glob("public_*.zip"))
    if not parts:
        raise DataError(f"{folder} holds no public_*.zip.")
    return open_identity_set(parts)


def public_split(public: IdentitySet) -> tuple[list[int], list[int]]:
    """Labels of the public identities to train on, and of the held-out ones."""
    held_out = list(range(HELD_OUT_EVERY - 1, len(public), HELD_OUT_EVERY))
    return sorted(set(range(len(public))) - set(held_out)), held_out


def fixed_split(identities: IdentitySet, train_images: int) -> tuple[Items, Items]:
    """The first ``train_images`` of each identity are for training, the rest for the test.

    An identity with fewer images keeps one for the test.
    """
    if train_images < 1:
        raise ConfigError(f"At least 1 image per identity must be trained on, not {train_images}.")
    train: Items = []
    test: Items = []
    for label, entries in enumerate(identities.entries):
        for index in range(len(entries)):
            trained_on = index < min(train_images, len(entries) - 1)
            (train if trained_on else test).append((label, index))
    return train, test


def first_items(items: Items, images: int) -> Items:
    """The first ``images`` items of each label, label by label."""
    if images < 1:
        raise ConfigError(f"At least 1 image per identity must be trained on, not {images}.")
    own: dict[int, Items] = {}
    for item in items:
        own.setdefault(item[0], []).append(item)
    return [item for label in sorted(own) for item in own[label][:images]]


def seeded_split(
    identities: IdentitySet, seed: int, test_share: float = 0.1
) -> tuple[Items, Items]:
    """A random share of each identity's images (at least one) is for the test.

    The reference code draws from the whole set at once (``layouts.reference_split``); here every
    identity is split by itself, so that small sets have test images of everybody.
    """
    if not 0 < test_share < 1:
        raise ConfigError(f"The test share must lie between 0 and 1, not {test_share}.")
    rng = torch.Generator().manual_seed(seed)
    train: Items = []
    test: Items = []
    for label, entries in enumerate(identities.entries):
        if len(entries) < 2:
            raise DataError(
                f"Identity {identities.names[label]!r} has one image; "
                "two are needed, one to train on and one to test."
            )
        order = torch.randperm(len(entries), generator=rng).tolist()
        held_out = max(1, round(len(entries) * test_share))
        test += [(label, index) for index in sorted(order[:held_out])]
        train += [(label, index) for index in sorted(order[held_out:])]
    return train, test
