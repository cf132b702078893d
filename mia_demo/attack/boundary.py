"""BREP-MI: labels alone.

Kahla et al., "Label-Only Model Inversion Attacks via Boundary Repulsion" (CVPR 2022). From a point
inside the class, away from its border: N = 32 points on a sphere of radius r around it are asked,
and those outside push,

    direction = 1/N sum_j ([inside_j] - 1) * d_j / r
    w <- w + min(r / 3, 3) * direction        refused where it leaves the class

Where more than 75 % lie inside, the sphere grows by 1.3 and the point stays: it becomes the
centre of the largest ball within the class. A candidate outside looks for a start first: it asks
about N faces of the prior, and moves to the first inside, or to the first at all.

Lengths are in standard deviations of the prior's styles, number by number. The paper's r = 2 in the
100 numbers of its z is a fifth of a latent's typical length, as here. A step costs N + 1 queries.
"""

import math
from dataclasses import replace

import torch
import torch.nn.functional as F
from torch import Tensor

from mia_demo.attack.queries import QuerySearch

SPHERE_POINTS = 32
FIRST_RADIUS = 0.2  # of a style's typical length
GROWTH = 1.3
ENOUGH_INSIDE = 0.75
MAX_STEP = 3.0


class BoundaryRepulsion(QuerySearch):
    """K points of every track, each with a sphere of its own."""

    def begin(self, start: Tensor) -> None:
        super().begin(start)
        tracks, count, width = self.w.shape
        self.spread = self.prior.std(dim=0)
        self.radius = torch.full((tracks, count), FIRST_RADIUS * math.sqrt(width))  # [T, K]

    def move(self, rng: torch.Generator) -> None:
        _, count, width = self.w.shape
        inside = self.known.scores.cpu() > 0  # [T, K]
        unit = F.normalize(torch.randn(count, SPHERE_POINTS, width, generator=rng), dim=2)
        others = self.prior[torch.randint(len(self.prior), (count, SPHERE_POINTS), generator=rng)]
        sphere = self.w[:, :, None] + self.radius[..., None, None] * unit * self.spread
        asked = torch.where(inside[..., None, None], sphere, others)  # [T, K, N, w_dim]
        answers = self.ask(asked.flatten(1, 2))
        hits = answers.scores.cpu().unflatten(1, (count, SPHERE_POINTS)) > 0

        push = (~hits[..., None] * -unit).mean(dim=2)
        length = (self.radius / 3).clamp_max(MAX_STEP)[..., None]
        found = hits.float().argmax(dim=2)  # the first inside; 0 where none is
        there = others[torch.arange(count), found]
        target = torch.where(inside[..., None], self.w + length * push * self.spread, there)
        grows = inside & (hits.float().mean(dim=2) > ENOUGH_INSIDE)
        target = torch.where(grows[..., None], self.w, target)
        self.radius = torch.where(grows, self.radius * GROWTH, self.radius)
        self._go(target)

    def _go(self, target: Tensor) -> None:
        """Moves to those [T, K, w_dim] that lie inside; a candidate outside always moves."""
        new = self.ask(target)
        moves = (new.scores > 0) | (self.known.scores == 0)
        self.w = torch.where(moves.cpu()[..., None], target, self.w)
        self.known = replace(
            self.known,
            images=torch.where(moves[..., None, None, None], new.images, self.known.images),
            confidences=torch.where(moves, new.confidences, self.known.confidences),
            scores=torch.where(moves, new.scores, self.known.scores),
        )
