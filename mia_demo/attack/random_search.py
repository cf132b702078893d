"""Random search: fresh faces of the prior, the best are kept. What every attack has to beat."""

from __future__ import annotations

import torch

from mia_demo.attack.queries import QuerySearch

FRESH = 32  # faces a step


class RandomSearch(QuerySearch):
    """Faces truncated like the pool's; the K best of all so far are the candidates."""

    def move(self, rng: torch.Generator) -> None:
        generator = self.renderer.generator
        z = torch.randn(FRESH, generator.z_dim, generator=rng)
        with torch.no_grad():
            w = generator.mapping(z.to(self.renderer.compute.device), self.config.truncation_psi)
        fresh = w[:, 0].cpu().expand(len(self.w), -1, -1)
        self.keep_best(fresh, self.ask(fresh), self.w.shape[1])
