"""Attributes of a face: the ground truth of an identity, as a few named values.

``identities.json`` (``IdentitySet.attributes``) holds the parameters an identity was rendered with.
Numerical ones are binned into classes that an image of 64 pixels can show. An identity's values
follow from these definitions alone, never from its images.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from mia_demo.data.identities import IdentitySet
from mia_demo.errors import DataError

NOT_APPLICABLE = -1  # the hair colour of a bald head
BALD = "none"

# Full beards have strength 1. Below 0.3, stubble is lost in shadow and sensor noise at 64 px.
BEARD_FROM = 0.3

# The data's age scale runs from 0 to 1 and is not in years. Half of the public identities are below
# 0.25, and grey hair begins at 0.5.
AGE_BANDS = (0.25, 0.5)

# Hair colours are drawn from five families with wide gaps between them. With the luminance
# Y = 0.2126 R + 0.7152 G + 0.0722 B of linear RGB (ITU-R 709) and the warmth R / B:
#     black  Y < 0.02                       (seen: up to 0.015, the next from 0.024)
#     grey   else R / B < 2                 (seen: up to 1.08, the next from 3.9)
#     red    else R / B > 6.5               (seen: from 12.8, the next up to 4.0)
#     brown  else Y < 0.1                   (seen: up to 0.047, the next from 0.15)
#     blond  the rest
LUMINANCE = (0.2126, 0.7152, 0.0722)
BLACK_BELOW, GREY_BELOW, RED_ABOVE, BROWN_BELOW = 0.02, 2.0, 6.5, 0.1


@dataclass(frozen=True)
class Attribute:
    """One attribute: its values in the order of the logits, and how to find that of an identity."""

    name: str
    values: tuple[str, ...]
    value_of: Callable[[Mapping[str, Any]], str | None]  # None: not applicable


def _ancestry(identity: Mapping[str, Any]) -> str:
    """The largest of the three shares, which are in the order of MakeHuman's skins and shapes."""
    shares = [float(share) for share in identity["ancestry"]]
    return ("European", "Asian", "African")[shares.index(max(shares))]


def _hair_colour(identity: Mapping[str, Any]) -> str | None:
    if identity["hair_style"] == BALD:
        return None
    red, green, blue = (float(channel) for channel in identity["hair_rgb_linear"])
    luminance = sum(w * c for w, c in zip(LUMINANCE, (red, green, blue), strict=True))
    if luminance < BLACK_BELOW:
        return "black"
    if red < GREY_BELOW * blue:
        return "grey"
    if red > RED_ABOVE * blue:
        return "red"
    return "brown" if luminance < BROWN_BELOW else "blond"


def _age_band(identity: Mapping[str, Any]) -> str:
    passed = sum(float(identity["age"]) >= boundary for boundary in AGE_BANDS)
    return ("young", "middle", "old")[passed]


HAIR_STYLES = (
    "afro01", "bob01", "bob02", "braid01", "long01", BALD, "ponytail01",
    "short01", "short02", "short03", "short04",
)  # fmt: skip

ATTRIBUTES = (
    Attribute("sex", ("female", "male"), lambda identity: identity["sex"]),
    Attribute("ancestry", ("European", "Asian", "African"), _ancestry),
    Attribute("hair style", HAIR_STYLES, lambda identity: identity["hair_style"]),
    Attribute("hair colour", ("black", "brown", "blond", "red", "grey"), _hair_colour),
    Attribute("beard", ("no", "yes"), lambda i: "yes" if float(i["beard"]) >= BEARD_FROM else "no"),
    Attribute("age band", ("young", "middle", "old"), _age_band),
)


def definitions() -> dict[str, Any]:
    """The definitions as JSON: different ones make different heads."""
    return {
        "values": {attribute.name: list(attribute.values) for attribute in ATTRIBUTES},
        "beard_from": BEARD_FROM,
        "age_bands": list(AGE_BANDS),
        "hair_colours": [BLACK_BELOW, GREY_BELOW, RED_ABOVE, BROWN_BELOW],
    }


def true_values(identities: IdentitySet) -> Tensor:
    """Index of each identity's value of each attribute: int64 [identities, attributes].

    Raises:
        DataError: the ground truth of an identity is missing or unusable.
    """
    if not identities.attributes:
        raise DataError(
            "The identities have no attributes; add identities.json with their ground truth."
        )
    return torch.tensor(
        [
            [_index(identities, name, attribute) for attribute in ATTRIBUTES]
            for name in identities.names
        ]
    )


def _index(identities: IdentitySet, name: str, attribute: Attribute) -> int:
    try:
        value = attribute.value_of(identities.attributes[name])
        return NOT_APPLICABLE if value is None else attribute.values.index(value)
    except (LookupError, TypeError, ValueError) as error:
        raise DataError(
            f"identities.json gives no usable {attribute.name} of identity {name!r} ({error!r}); "
            "correct it or remove the file."
        ) from error
