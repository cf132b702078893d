"""Splits keep every identity in both halves and never mix them."""

from __future__ import annotations

from pathlib import Path

import pytest

from mia_demo.data.identities import open_identity_set
from mia_demo.data.splits import fixed_split, public_split, seeded_split
from mia_demo.errors import ConfigError


def test_fixed_split_takes_the_first_images(identity_folder: Path) -> None:
    train, test = fixed_split(open_identity_set(identity_folder), 3)
    assert train == [(label, index) for label in range(3) for index in range(3)]
    assert test == [(0, 3), (1, 3), (2, 3)]
    assert fixed_split(open_identity_set(identity_folder), 48)[1] == test  # one is always kept
    with pytest.raises(ConfigError):
        fixed_split(open_identity_set(identity_folder), 0)


def test_seeded_split_is_repeatable_disjoint_and_complete(identity_folder: Path) -> None:
    people = open_identity_set(identity_folder)
    train, test = seeded_split(people, seed=3, test_share=0.25)
    assert (train, test) == seeded_split(people, seed=3, test_share=0.25)
    assert (train, test) != seeded_split(people, seed=4, test_share=0.25)
    assert not set(train) & set(test)
    assert len(train) + len(test) == 12
    assert {label for label, _ in test} == {0, 1, 2}


def test_public_identities_are_held_out_by_position() -> None:
    used, held_out = public_split(range(25))  # type: ignore[arg-type]
    assert held_out == [9, 19]
    assert sorted(used + held_out) == list(range(25))
