"""Who is in the picture? The verdict of two networks that the attack never saw.

The evaluator (another architecture, trained on the same identities) gives Acc@1 and Acc@5.
Distances in its features (delta_eval) and in those of the face embedder (delta_face; trained on
other people) say how close a reconstruction comes to the identity's training images. Paper,
section 4 and appendix.
"""

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class Verdict:
    """Judgement of the K reconstructions of one identity.

    Attributes:
        top1: [K] the identity the evaluator sees.
        acc1: 1/K Σ_k 1[argmax f(x_k) = y], in 0..1, of the evaluator's logits f and the identity y.
        acc5: likewise, with y among the five largest logits.
        delta_eval, delta_face: 1/K Σ_k min_p ‖φ(x_k) − φ(t_p)‖² over the identity's training
            images t_p; lower means more leakage. In squared units of the features φ: ≥ 0 for the
            evaluator's, 0..4 for the face embedder's, which have length 1.
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
