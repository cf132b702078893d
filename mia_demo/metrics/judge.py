"""Who is in the picture? The verdict of two networks that the attack never saw.

The evaluator (another architecture, trained on the same identities) gives Acc@1 and Acc@5.
Distances in its features (delta_eval) and in those of the face embedder (delta_face; trained on
other people) say how close a reconstruction comes to the identity's training images. Paper,
section 4 and appendix.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class Verdict:
    """Judgement of the K reconstructions of one identity.

    Attributes:
        top1: [K] the identity the evaluator sees.
        acc1, acc5: share of reconstructions with the true identity first, among the first five.
        delta_eval, delta_face: squared L2 distance of features to the nearest training image of
            the identity, mean over reconstructions; lower means more leakage.
        nearest: [K] index of that training image, by the face embedder.
    """

    top1: tuple[int, ...]
    acc1: float
    acc5: float
    delta_eval: float
    delta_face: float
    nearest: tuple[int, ...]


def verdict_on(
    identity: int, logits: Tensor, feature_distances: Tensor, face_distances: Tensor
) -> Verdict:
    """Judges the reconstructions of one identity.

    Args:
        logits: the evaluator's, [K, C].
        feature_distances, face_distances: from each reconstruction to each of the identity's
            training images [K, P], in the evaluator's features and in the face embedder's.
    """
    ranked = logits.argsort(dim=1, descending=True)
    return Verdict(
        top1=tuple(ranked[:, 0].tolist()),
        acc1=(ranked[:, 0] == identity).float().mean().item(),
        acc5=(ranked[:, :5] == identity).any(dim=1).float().mean().item(),
        delta_eval=feature_distances.amin(dim=1).mean().item(),
        delta_face=face_distances.amin(dim=1).mean().item(),
        nearest=tuple(face_distances.argmin(dim=1).tolist()),
    )


def squared_distances(left: Tensor, right: Tensor) -> Tensor:
    """[n, D] x [m, D] -> squared Euclidean distances [n, m]."""
    return (left[:, None] - right[None]).square().sum(dim=2)
