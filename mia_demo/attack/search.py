"""What all searches of stage 2 have in common, and what a step of one is told by.

With L lanes and I identities there are T = L * I tracks, lane by lane: track l * I + i is lane l's
attack on identity i. Every track has K candidates.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from mia_demo.attack.config import AttackConfig
from mia_demo.attack.frames import StepDetail
from mia_demo.attack.lanes import Lane
from mia_demo.attack.renderer import Renderer

SHOWN_NUMBERS = 12  # of w
SHOWN_RIVALS = 4  # identities beside the target

Told = Callable[[Tensor], Tensor]  # probabilities [N, C] -> what the attacker learns [N, C]


def all_confidences(probabilities: Tensor) -> Tensor:
    """All of them."""
    return probabilities


def label_alone(probabilities: Tensor) -> Tensor:
    """1 for the likeliest class, 0 for the others."""
    return F.one_hot(probabilities.argmax(dim=1), probabilities.shape[1]).to(probabilities.dtype)


@dataclass(frozen=True)
class StepTrace:
    """A step of every candidate from w to w.

    Attributes:
        w, gradient, moved: [T, K, w_dim], w or the features that move in its place, the loss's
            gradient, and the change that followed.
        logits: [T, K, C], mean over copies.
        losses: [T, K].
    """

    w: Tensor
    gradient: Tensor
    moved: Tensor
    logits: Tensor
    losses: Tensor


@dataclass(frozen=True)
class StepRecord:
    """What one step saw; T tracks, K candidates, before the update of w.

    Attributes:
        images: [T, K, 3, P, P], pictures as they are shown, not clipped.
        losses: [T], mean over candidates.
        confidences: [T, K], softmax of the target class on the step's crop.
        gradient_cosine: [T], 1/K Σ_k cos(g_s,k, g_s−1,k), in -1..1, of the gradients g by the
            image a classifier sees, before the crop (the paper's gradient-stability analysis); nan
            on the first step. torch counts norms below 1e-8 as 1e-8: vanished gradients give a
            cosine near 0, not nan.
        trace: None for methods without gradients.
    """

    images: Tensor
    losses: Tensor
    confidences: Tensor
    gradient_cosine: Tensor
    trace: StepTrace | None = None


class Search(ABC):
    """Candidates of several tracks on their way.

    Args:
        identities: [I], the same for every lane.
        start: [T, K, w_dim], the candidates' first styles.
        prior: [N, w_dim], styles of public faces.
        told: what the attacker learns of an answer, where there is no gradient.
    """

    def __init__(
        self,
        renderer: Renderer,
        lanes: list[Lane],
        identities: Sequence[int],
        start: Tensor,
        config: AttackConfig,
        *,
        prior: Tensor,
        told: Told = all_confidences,
    ) -> None:
        self.renderer = renderer
        self.lanes = lanes
        self.targets = [*identities] * len(lanes)  # [T]
        self.config = config
        self.prior = prior
        self.told = told
        self.begin(start)

    @abstractmethod
    def begin(self, start: Tensor) -> None:
        """Sets up what a kind of search works with."""

    @abstractmethod
    def step(self, rng: torch.Generator) -> StepRecord:
        """Moves every candidate once.

        Args:
            rng: its draws serve all tracks alike, so that lanes differ by their answers alone.
        """

    @abstractmethod
    def styles(self) -> Tensor:
        """The candidates as they are now: [T, K, w_dim] on the CPU."""

    def pictures(self) -> Tensor | None:
        """Their pictures [T, K, 3, R, R] on the CPU where no style makes them, else None."""
        return None


def step_detail(trace: StepTrace, track: int, candidate: int, target: int) -> StepDetail:
    """What a candidate went through in a step."""
    logits = trace.logits[track, candidate].float().cpu()
    ranked = [int(k) for k in logits.argsort(descending=True) if int(k) != target]
    identities = (target, *ranked[:SHOWN_RIVALS])
    gradient, moved = trace.gradient[track, candidate], trace.moved[track, candidate]
    return StepDetail(
        w=_first(trace.w[track, candidate]),
        gradient=_first(gradient),
        moved=_first(moved),
        gradient_norm=float(f"{float(gradient.norm()):.3g}"),
        moved_norm=float(f"{float(moved.norm()):.3g}"),
        identities=identities,
        logits=tuple(round(float(logits[k]), 2) for k in identities),
        loss=round(float(trace.losses[track, candidate]), 3),
    )


def _first(values: Tensor) -> tuple[float, ...]:
    return tuple(float(f"{value:.3g}") for value in values[:SHOWN_NUMBERS].tolist())
