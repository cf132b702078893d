"""Mirror's genetic search: confidences, no gradients.

An et al., "MIRROR: Model Inversion for Deep Learning Network with High Fidelity" (NDSS 2022). Its
population of K styles (100 in the paper, out of the shared pool) lives in P-space, where the last
activation of the prior's mapping network is undone,

    p = LeakyReLU_5(w)    w = LeakyReLU_0.2(p)

and styles are nearly normal. In each of 100 generations, with the target's confidence c:

    parents     drawn in pairs, with probability c / sum c
    child       each number from either parent, in proportion to their c
    mutation    each number with probability 0.1, by 0.1 * noise
    clipping    to mean ± standard deviation of the prior's p
    survival    the K best of parents and children

A generation costs K queries.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from mia_demo.attack.queries import TINY, QuerySearch
from mia_demo.attack.sampling import sample_styles
from mia_demo.models.equalised import LEAKY_SLOPE

MUTATION_CHANCE = 0.1
MUTATION_SIZE = 0.1
PRIOR_SAMPLES = 2000  # of the prior, for its mean and spread


class Genetic(QuerySearch):
    """The whole population of every track, a generation a step."""

    def begin(self, start: Tensor) -> None:
        super().begin(start)
        every = to_p(sample_styles(self.renderer.generator, PRIOR_SAMPLES, 1.0))
        self.low, self.high = every.mean(dim=0) - every.std(dim=0), every.mean(0) + every.std(0)

    def move(self, rng: torch.Generator) -> None:
        _, count, width = self.w.shape
        # Equal for all tracks, whatever their confidences: places in 0..1 of their distributions.
        places = torch.rand(2, count, generator=rng)
        coins = torch.rand(count, width, generator=rng)
        mutates = torch.rand(count, width, generator=rng) < MUTATION_CHANCE
        noise = MUTATION_SIZE * torch.randn(count, width, generator=rng) * mutates
        p, fitness = to_p(self.w), self.known.scores.cpu().clamp_min(TINY).log()
        children = []
        for own, scores in zip(p, fitness, strict=True):
            shares = scores.softmax(dim=0).cumsum(dim=0)
            one, two = torch.searchsorted(shares, places).clamp_max(count - 1)
            first = (scores[one] - scores[two]).sigmoid()[:, None]  # c1 / (c1 + c2)
            child = torch.where(coins < first, own[one], own[two]) + noise
            children.append(torch.maximum(torch.minimum(child, self.high), self.low))
        born = F.leaky_relu(torch.stack(children), LEAKY_SLOPE)
        self.keep_best(born, self.ask(born), count)


def to_p(w: Tensor) -> Tensor:
    return F.leaky_relu(w, 1 / LEAKY_SLOPE)
