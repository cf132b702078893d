"""Attribute heads: one small network with a softmax for every attribute.

An ordinary ``Classifier`` whose logits [B, D] are the heads side by side, D = sum over attributes
of their numbers of values, in the order of ``ATTRIBUTES``. It is trained on public identities, from
scratch: it shares nothing with the targets, the evaluator or the face embedder.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from mia_demo.data.attributes import ATTRIBUTES, NOT_APPLICABLE

HEAD_SIZES = [len(attribute.values) for attribute in ATTRIBUTES]
NUM_LOGITS = sum(HEAD_SIZES)


def predicted_values(logits: Tensor) -> Tensor:
    """logits [N, D] -> index of the likeliest value of every attribute [N, A]."""
    return torch.stack([head.argmax(dim=1) for head in logits.split(HEAD_SIZES, dim=1)], dim=1)


def attribute_loss(logits: Tensor, truth: Tensor) -> Tensor:
    """Sum of the heads' cross-entropies, mean over the batch; what does not apply costs nothing.

    Args:
        logits: [B, D].
        truth: int64 [B, A].
    """
    total = sum(
        F.cross_entropy(head, truth[:, index], ignore_index=NOT_APPLICABLE, reduction="sum")
        for index, head in enumerate(logits.split(HEAD_SIZES, dim=1))
    )
    return torch.as_tensor(total) / len(logits)
