"""Asking the targets about styles, without gradients: what every attack by queries is made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from mia_demo.attack.config import AttackConfig
from mia_demo.attack.lanes import Lane
from mia_demo.attack.optimisation import StepRecord
from mia_demo.attack.renderer import Renderer
from mia_demo.attack.told import Told

TINY = 1e-30  # a confidence of 0 has a logarithm all the same


@dataclass(frozen=True)
class Answers:
    """What the targets said of n styles in each of T tracks.

    Attributes:
        images: [T, n, 3, P, P], as shown.
        confidences: [T, n], softmax of the target class, for those who watch.
        scores: [T, n], as much of it as the attacker learns.
    """

    images: Tensor
    confidences: Tensor
    scores: Tensor


class QuerySearch:
    """Candidates with what is known of them; a subclass says how they move.

    Args:
        identities: [I], the same for every lane.
        start: [T, K, w_dim], the candidates' first styles.
        prior: [N, w_dim], styles of public faces.
        told: what the attacker learns of an answer.
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
        told: Told,
    ) -> None:
        self.renderer = renderer
        self.lanes = lanes
        self.targets = [*identities] * len(lanes)  # [T]
        self.config = config
        self.prior = prior
        self.told = told
        self.w = start
        self.known = self.ask(start)
        self.begin()

    def begin(self) -> None:
        """Sets up what a subclass adds."""

    def ask(self, styles: Tensor) -> Answers:
        """One query for each of the styles [T, n, w_dim]."""
        shape = styles.shape[:2]
        images, views = self.renderer.render(styles.flatten(0, 1), self.lanes)
        logits = [
            self.renderer.logits(lane.attacked, seen)
            for lane, seen in zip(self.lanes, views, strict=True)
        ]
        probabilities = torch.cat(logits).softmax(dim=1)
        told = self.told(probabilities).unflatten(0, shape)
        shown = probabilities.unflatten(0, shape)
        numbered = list(enumerate(self.targets))
        return Answers(
            images=images.unflatten(0, shape),
            confidences=torch.stack([shown[track, :, target] for track, target in numbered]),
            scores=torch.stack([told[track, :, target] for track, target in numbered]),
        )

    def step(self, rng: torch.Generator) -> StepRecord:
        """Moves the candidates; the loss is the mean of minus log of what was told."""
        self.move(rng)
        return StepRecord(
            images=self.known.images,
            losses=-self.known.scores.clamp_min(TINY).log().mean(dim=1),
            confidences=self.known.confidences,
            gradient_cosine=torch.full(self.w.shape[:1], torch.nan),
        )

    def move(self, rng: torch.Generator) -> None:
        """Changes ``w`` and ``known``.

        Args:
            rng: its draws serve all tracks alike, so that lanes differ by their answers alone.
        """
        raise NotImplementedError

    def styles(self) -> Tensor:
        return self.w

    def pictures(self) -> Tensor | None:
        return None

    def keep_best(self, w: Tensor, answers: Answers, count: int) -> None:
        """The ``count`` best of the candidates and of new styles [T, n, w_dim], best first."""
        styles = torch.cat([self.w, w], dim=1)
        images = torch.cat([self.known.images, answers.images], dim=1)
        confidences = torch.cat([self.known.confidences, answers.confidences], dim=1)
        scores = torch.cat([self.known.scores, answers.scores], dim=1)
        order = torch.sort(scores, dim=1, descending=True, stable=True).indices[:, :count]
        self.w = pick(styles, order.cpu())
        self.known = Answers(pick(images, order), pick(confidences, order), pick(scores, order))


def pick(rows: Tensor, order: Tensor) -> Tensor:
    """Of each track's rows [T, n, ...] those in ``order`` [T, k]."""
    return torch.stack([own[chosen] for own, chosen in zip(rows, order, strict=True)])
