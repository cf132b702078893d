"""Asking the targets about styles, without gradients: what every attack by queries is made of.

The plainest is random search, what every attack has to beat.
"""

from abc import abstractmethod
from dataclasses import dataclass

import torch
from torch import Tensor

from mia_demo.attack.search import Search, StepRecord

FRESH = 32  # faces that random search asks about in a step
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


class QuerySearch(Search):
    """Candidates with what is known of them; a subclass says how they move."""

    def begin(self, start: Tensor) -> None:
        self.w = start
        self.known = self.ask(start)

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

    @abstractmethod
    def move(self, rng: torch.Generator) -> None:
        """Changes ``w`` and ``known``."""

    def styles(self) -> Tensor:
        return self.w

    def keep_best(self, w: Tensor, answers: Answers, count: int) -> None:
        """The ``count`` best of the candidates and of new styles [T, n, w_dim], best first."""
        styles = torch.cat([self.w, w], dim=1)
        images = torch.cat([self.known.images, answers.images], dim=1)
        confidences = torch.cat([self.known.confidences, answers.confidences], dim=1)
        scores = torch.cat([self.known.scores, answers.scores], dim=1)
        order = torch.sort(scores, dim=1, descending=True, stable=True).indices[:, :count]
        self.w = pick(styles, order.cpu())
        self.known = Answers(pick(images, order), pick(confidences, order), pick(scores, order))


class RandomSearch(QuerySearch):
    """Faces truncated like the pool's; the K best of all so far are the candidates."""

    def move(self, rng: torch.Generator) -> None:
        generator = self.renderer.generator
        z = torch.randn(FRESH, generator.z_dim, generator=rng)
        with torch.no_grad():
            w = generator.mapping(z.to(self.renderer.compute.device), self.config.truncation_psi)
        fresh = w[:, 0].cpu().expand(len(self.w), -1, -1)
        self.keep_best(fresh, self.ask(fresh), self.w.shape[1])


def pick(rows: Tensor, order: Tensor) -> Tensor:
    """Of each track's rows [T, n, ...] those in ``order`` [T, k]."""
    return torch.stack([own[chosen] for own, chosen in zip(rows, order, strict=True)])
