"""The smoothed label, softmax and logit gradient of one image, as plain JSON.

The gradient of the smoothing loss by the logits is p - y_LS (see ``mia_demo.smoothing``).
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from mia_demo.data.pictures import data_uri
from mia_demo.report.columns import fixed
from mia_demo.smoothing import smoothed_labels, smoothing_loss
from mia_demo.ui.understand.view import LaneLabel

RIVALS = 3  # wrong classes shown by name: those the network finds likeliest


def label_json(
    lanes: Sequence[LaneLabel],
    logits: Mapping[str, Tensor],
    identity: int,
    alpha: float,
    photo: npt.NDArray[np.uint8],
) -> dict[str, Any]:
    """y_LS, softmax p and gradient p - y_LS of one image, with the numbers in the formula.

    Args:
        logits: by lane, [C].
        identity: the image's true class.
        alpha: the visitor's factor, the same for all lanes.
    """
    classes = len(next(iter(logits.values())))
    label = torch.tensor([identity])
    smoothed = smoothed_labels(label, classes, alpha)[0]
    other = (identity + 1) % classes
    true_value, other_value = smoothed[identity].item(), smoothed[other].item()
    kept, factor = fixed(1 - alpha, 2), _factor(alpha)
    return {
        "identity": identity,
        "uri": data_uri(photo),
        "label": [
            f"y_LS[{identity}] = (1 − α) · 1 + α / C = {kept} + {factor} / {classes} "
            f"= {fixed(true_value, 4)}",
            f"y_LS[other] = (1 − α) · 0 + α / C = {factor} / {classes} = {fixed(other_value, 4)}",
        ],
        "lanes": [
            _label_lane(lane, logits[lane.name], smoothed, identity, alpha) for lane in lanes
        ],
    }


def _label_lane(
    lane: LaneLabel, logits: Tensor, smoothed: Tensor, identity: int, alpha: float
) -> dict[str, Any]:
    softmax = logits.softmax(dim=0)
    gradient = softmax - smoothed
    loss = smoothing_loss(logits[None], torch.tensor([identity]), alpha).item()
    ranked = [c for c in softmax.argsort(descending=True).tolist() if c != identity][:RIVALS]
    rest = [c for c in range(len(logits)) if c != identity and c not in ranked]
    groups = {f"identity {identity}, the true one": [identity]}
    groups |= {f"identity {c}": [c] for c in ranked}
    if rest:
        groups[f"{len(rest)} others, each"] = rest
    rows = []
    for name, members in groups.items():
        means = [values[members].mean().item() for values in (smoothed, softmax, gradient)]
        texts = [fixed(mean, 4) for mean in means]
        is_true = members == [identity]
        rows.append({"name": name, "is_true": is_true, "values": means, "texts": texts})
    p, y = softmax[identity].item(), smoothed[identity].item()
    push = "up" if p < y else "down"
    return {
        **lane.to_json(),
        "rows": rows,
        "formula": (
            f"∂L/∂o[{identity}] = p − y_LS = {fixed(p, 4)} − {fixed(y, 4)} = {fixed(p - y, 4)}"
        ),
        "words": f"A training step would push this logit {push}. Loss here: {fixed(loss, 3)}.",
        "logit": fixed(logits[identity].item(), 2),
    }


def _factor(alpha: float) -> str:
    return f"({fixed(alpha, 2)})" if alpha < 0 else fixed(alpha, 2)
