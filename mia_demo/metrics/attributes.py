"""Attribute leakage: does a reconstruction show what the identity looks like?

Only synthetic identities can answer this, because their ground truth is known. Heads trained on
public identities read every attribute off a reconstruction; with the right value v(i) of identity i
(``mia_demo.data.attributes``) and the value h(x) that the heads see in an image x,

    share       mean over reconstructions x of identity i of 1[h(x) = v(i)]
    base rate   max over values v of the share of identities i with v(i) = v: what a guesser
                reaches who has seen no picture and always says the commonest value
    ceiling     the share for real test images of the same identities: the heads err as well

over the identities to which the attribute applies. A share at the base rate is no leakage; a share
may lie below it, because a reconstruction can show the wrong thing. The heads never saw generated
pictures, so what lies between share and ceiling may be the attack's failing or theirs.
"""

import numpy as np
import torch
from torch import Tensor

from mia_demo.data.attributes import ATTRIBUTES, NOT_APPLICABLE

Shares = dict[str, float | None]  # by attribute; None where it applies to nobody


def right_values(predicted: Tensor, truth: Tensor) -> Tensor:
    """int64 [N, A] each -> 1 for the right value, 0 for a wrong one, nan where none applies."""
    return (predicted == truth).float().masked_fill(truth == NOT_APPLICABLE, torch.nan)


def shares(right: Tensor) -> Shares:
    """Mean of every column of ``right_values`` [N, A], by the attribute's name."""
    means = right.nanmean(dim=0).tolist()
    return {
        attribute.name: None if np.isnan(mean) else mean
        for attribute, mean in zip(ATTRIBUTES, means, strict=True)
    }


def base_rates(truth: Tensor) -> dict[str, tuple[str, float]]:
    """The commonest value of every attribute and its share, by the attribute's name.

    Args:
        truth: int64 [identities, A]; an attribute that applies to none of them is left out.
    """
    found = {}
    for attribute, column in zip(ATTRIBUTES, truth.T, strict=True):
        known = column[column != NOT_APPLICABLE]
        if len(known):
            counts = known.bincount()
            value = attribute.values[int(counts.argmax())]
            found[attribute.name] = (value, counts.max().item() / len(known))
    return found
