"""Ground truth: the right value of an identity follows from its parameters alone."""

from __future__ import annotations

from typing import Any

import pytest

from mia_demo.data.attributes import ATTRIBUTES, NOT_APPLICABLE, true_values
from mia_demo.data.identities import IdentitySet
from mia_demo.errors import DataError
from mia_demo.zoo.reading import Zoo

ADA = {
    "sex": "female", "age": 0.25, "ancestry": [0.3, 0.45, 0.25], "hair_style": "bob01",
    "hair_rgb_linear": [0.35, 0.34, 0.33], "eye_texture": 4, "beard": 0.0, "brow": 6,
}  # fmt: skip
BOB = {**ADA, "sex": "male", "age": 0.8, "hair_style": "none", "beard": 0.3}


def people(**attributes: dict[str, Any]) -> IdentitySet:
    return IdentitySet(tuple(attributes), ((),) * len(attributes), attributes)


def named(identities: IdentitySet) -> list[list[str]]:
    return [
        [
            "–" if index == NOT_APPLICABLE else attribute.values[index]
            for attribute, index in zip(ATTRIBUTES, row, strict=True)
        ]
        for row in true_values(identities).tolist()
    ]


def test_values_by_hand() -> None:
    assert named(people(ada=ADA, bob=BOB)) == [
        ["female", "Asian", "bob01", "grey", "no", "middle"],
        ["male", "Asian", "none", "–", "yes", "old"],  # a bald head has no hair colour
    ]


@pytest.mark.parametrize(
    ("rgb", "colour"),
    [
        ([0.010, 0.008, 0.007], "black"),
        ([0.066, 0.033, 0.017], "brown"),
        ([0.365, 0.225, 0.097], "blond"),
        ([0.177, 0.050, 0.013], "red"),
        ([0.280, 0.270, 0.260], "grey"),
    ],
)
def test_hair_colours(rgb: list[float], colour: str) -> None:
    assert named(people(ada={**ADA, "hair_rgb_linear": rgb}))[0][3] == colour


@pytest.mark.parametrize(("age", "band"), [(0.249, "young"), (0.499, "middle"), (0.5, "old")])
def test_age_bands_begin_at_their_boundary(age: float, band: str) -> None:
    assert named(people(ada={**ADA, "age": age}))[0][5] == band


def test_every_target_identity_has_all_values(zoo: Zoo) -> None:
    truth = true_values(zoo.identities())
    assert truth.shape == (100, 6)
    assert (truth != NOT_APPLICABLE).all()
    assert truth[:, 0].bincount().tolist() == [50, 50]  # the set is balanced over sex


@pytest.mark.parametrize(
    ("identities", "message"),
    [
        (IdentitySet(("ada",), ((),)), "have no attributes; add identities.json"),
        (people(ada={**ADA, "sex": "unknown"}), "no usable sex of identity 'ada'"),
        (people(ada={"sex": "male"}), "no usable ancestry of identity 'ada'"),
        (people(ada={**ADA, "hair_style": "mohawk"}), "no usable hair style"),
        (people(ada={**ADA, "age": "old"}), "no usable age band"),
        (people(ada={**ADA, "ancestry": []}), "no usable ancestry"),
        (people(ada={**ADA, "ancestry": [0.1, 0.1, 0.1, 0.7]}), "no usable ancestry"),
        (IdentitySet(("ada", "eve"), ((), ()), {"ada": ADA}), "identity 'eve'"),
    ],
)
def test_unusable_ground_truth_is_refused(identities: IdentitySet, message: str) -> None:
    with pytest.raises(DataError, match=message):
        true_values(identities)
