"""Second phase: the mapping network learns to turn z ~ N(0, I) into styles like the photos'.

It minimises the energy distance to the codes of all photos and nothing else, so no kind of face is
dropped for being hard to draw. Its last weights are kept, no average: the rate has fallen by then.
"""

import torch
from torch import Tensor

from mia_demo.system.device import Compute
from mia_demo.training.prior.autoencoder import HalfPrior
from mia_demo.training.prior.config import PriorConfig
from mia_demo.training.prior.phase import Phase, adam

MAPPING_RATE = 3.0  # on top of the network's own multiplier of 0.01
STYLES_OF_MEAN = 20_000  # styles of which the mean style is the mean


class MappingPhase(Phase):
    """Fits ``base.generator.mapping`` to ``base.codes``, which are settled."""

    name = "mapping"
    batch_size = 768
    kept = ("mapping", "adam")

    def __init__(self, config: PriorConfig, base: HalfPrior, compute: Compute) -> None:
        super().__init__(config, config.mapping_steps, compute)
        self.mapping = base.generator.mapping.requires_grad_(True)
        self.codes = base.codes
        self.adam = adam(self.mapping.parameters(), MAPPING_RATE, (0.9, 0.99))

    @property
    def images_seen(self) -> int:
        return 0

    def update(self, rng: torch.Generator) -> dict[str, float]:
        styles = self.mapping(self.normal(self.batch_size, rng))[:, 0]
        chosen = torch.randint(len(self.codes), (self.batch_size,), generator=rng)
        distance = energy_distance(styles, self.codes[chosen.to(self.codes.device)])
        distance.backward()
        self.apply(self.adam)
        if self.step + 1 == self.steps:
            with torch.no_grad():
                self.mapping.w_avg.copy_(
                    self.mapping(self.normal(STYLES_OF_MEAN, rng))[:, 0].mean(dim=0)
                )
        return {"distance": distance.item()}


def energy_distance(x: Tensor, y: Tensor) -> Tensor:
    """Energy distance of two samples, unbiased; 0 in expectation only for equal distributions.

    2 E|X - Y| - E|X - X'| - E|Y - Y'| (Székely and Rizzo, 2013).

    Args:
        x, y: [n, D] and [m, D], with n and m at least 2.
    """

    def within(points: Tensor) -> Tensor:
        count = len(points)
        return torch.cdist(points, points).sum() / (count * (count - 1))

    return 2 * torch.cdist(x, y).mean() - within(x) - within(y)
