"""What an attack shows while it runs: one frame per step, with pictures and verdicts by lane."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

STAGES = ("sampling", "optimisation", "selection", "done")


@dataclass(frozen=True)
class StepDetail:
    """One step of a lane's best candidate, in numbers.

    Attributes:
        w, gradient, moved: the first numbers of w (or of the features that move in its place)
            before the step, of the loss's gradient by them, and of their change.
        gradient_norm, moved_norm: Euclidean lengths over all of them.
        identities, logits: the target's, then the largest of the others.
        loss: identity loss of this candidate.
    """

    w: tuple[float, ...]
    gradient: tuple[float, ...]
    moved: tuple[float, ...]
    gradient_norm: float
    moved_norm: float
    identities: tuple[int, ...]
    logits: tuple[float, ...]
    loss: float


@dataclass(frozen=True)
class LaneFrame:
    """One lane at one step. K candidates, R pixels (``Framing.picture_size``).

    Attributes:
        images: uint8 [K, R, R, 3], what the prior shows within its framing.
        confidences: [K] target confidence of the classifier under attack.
        best: index of the candidate the classifier is surest of.
        evaluator_top1, evaluator_confidences: [K] whom the independent evaluator sees, how surely.
        loss: identity loss, mean over candidates; nan outside optimisation.
        gradient_cosine: with the step before; nan on the first step and outside optimisation.
        styles: [K, w_dim] float32; only in the last frame.
        detail: None outside optimisation.
    """

    name: str
    alpha: float
    test_accuracy: float | None
    images: npt.NDArray[np.uint8]
    confidences: tuple[float, ...]
    best: int
    evaluator_top1: tuple[int, ...]
    evaluator_confidences: tuple[float, ...]
    loss: float
    gradient_cosine: float
    styles: npt.NDArray[np.float32] | None = None
    detail: StepDetail | None = None

    @property
    def target_confidence(self) -> float:
        """Confidence in the best candidate."""
        return self.confidences[self.best]

    def best_first(self) -> list[int]:
        """Indices of the pictures in the order in which they are shown and kept."""
        return [self.best, *(k for k in range(len(self.images)) if k != self.best)]


@dataclass(frozen=True)
class AttackFrame:
    """One step of a side-by-side attack; in the last frame ``lanes`` hold the kept results."""

    stage: str  # one of STAGES
    step: int  # of the stage, counted from 1
    total_steps: int
    seconds: float  # of computing since the start
    lanes: tuple[LaneFrame, ...]  # empty while the pool is being computed

    @property
    def is_last(self) -> bool:
        return self.stage == "done"
