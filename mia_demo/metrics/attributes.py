"""Attribute leakage: does a reconstruction show what the identity really looks like?

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

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from mia_demo.data.attributes import ATTRIBUTES, NOT_APPLICABLE, true_values
from mia_demo.errors import ConfigError, DataError
from mia_demo.models.attributes import predicted_values
from mia_demo.system.device import Compute
from mia_demo.training.classifier import LabelledImages, predict
from mia_demo.zoo.reading import Zoo

Shares = dict[str, "float | None"]  # by attribute; None where it applies to nobody


@dataclass(frozen=True)
class AttributeReference:
    """What the shares of one attribute are to be compared with.

    Attributes:
        base_value, base_rate: the commonest value among the attacked identities, and its share.
        real_test_accuracy: of the heads, on real test images of the attacked identities.
        held_out_accuracy: of the heads, on public identities that they were not trained on.
    """

    base_value: str
    base_rate: float
    real_test_accuracy: float | None
    held_out_accuracy: float | None


class AttributeJudge:
    """The heads of a zoo and the ground truth of its identities.

    Raises:
        ConfigError: the zoo has no heads.
        DataError: its identities have no ground truth.
    """

    def __init__(self, zoo: Zoo, compute: Compute) -> None:
        if not zoo.entries("attributes"):
            raise ConfigError(f"The zoo {zoo.root} has no attribute heads; run make-zoo.")
        self.zoo = zoo
        self.compute = compute
        self._identities = zoo.identities()
        self.truth = true_values(self._identities)
        self.heads = compute.place(zoo.load_attribute_heads())

    def right(self, images: LabelledImages) -> Tensor:
        """1 where an image shows the right value, 0 where not, nan where none applies: [N, A].

        Args:
            images: with the identity that each should show as its label.
        """
        predicted = predicted_values(predict(self.heads, images.images, self.compute))
        return right_values(predicted, self.truth[images.labels])

    def shares(self, images: npt.NDArray[np.uint8], identity: int) -> Shares:
        """Of one attack's reconstructions uint8 [K, R, R, 3]."""
        batch = torch.from_numpy(images).permute(0, 3, 1, 2)
        return shares(self.right(LabelledImages(batch, torch.full((len(batch),), identity))))

    def reference(self, identities: Sequence[int]) -> dict[str, AttributeReference]:
        """By attribute, for these identities; attributes that apply to none are left out."""
        (entry,) = self.zoo.entries("attributes")
        size = self.heads.input_size
        images, labels = self.zoo.split(self._identities, size, "test")
        chosen = torch.isin(labels, torch.tensor(identities))
        measured = shares(self.right(LabelledImages(images[chosen], labels[chosen])))
        return {
            name: AttributeReference(
                base_value=value,
                base_rate=rate,
                real_test_accuracy=measured[name],
                held_out_accuracy=entry.training.held_out_accuracy[name],
            )
            for name, (value, rate) in base_rates(self.truth[list(identities)]).items()
        }


def open_attribute_judge(zoo: Zoo, compute: Compute) -> tuple[AttributeJudge | None, str]:
    """The judge, or None and the reason why there is none."""
    try:
        return AttributeJudge(zoo, compute), ""
    except (ConfigError, DataError) as error:
        return None, str(error)


def reference_of(judge: AttributeJudge | None, identities: Sequence[int]) -> dict[str, Any]:
    """``AttributeJudge.reference`` as JSON; empty without a judge."""
    if judge is None:
        return {}
    return {name: asdict(values) for name, values in judge.reference(identities).items()}


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
