"""Rank-1 identification by the face embedder in a gallery of all identities.

The evaluator has false positives: it was trained on these identities, and images optimised for one
classifier transfer to others. The embedder was trained on other people, so its rank-1 is a second
opinion on Acc@1.
"""

import torch
import torch.nn.functional as F
from torch import Tensor


def identity_centres(embeddings: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """Unit-length mean embedding of every identity.

    Args:
        embeddings: unit vectors [N, D] of gallery images.
        labels: int64 [N].

    Returns:
        centres [I, D] and their identities int64 [I].
    """
    identities = labels.unique()
    centres = torch.stack([embeddings[labels == label].mean(dim=0) for label in identities])
    return F.normalize(centres, dim=1), identities


def recognised(embeddings: Tensor, centres: Tensor, identities: Tensor) -> Tensor:
    """Identity int64 [N] with the most similar centre (largest cosine) for each unit vector."""
    return identities[(embeddings @ centres.T).argmax(dim=1)]
