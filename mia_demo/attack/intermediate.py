"""IF-GMI: first the style, then the features between the prior's blocks.

Qiu et al., "A Closer Look at GAN Priors: Exploiting Intermediate Features for Enhanced Model
Inversion Attacks" (ECCV 2024). After w, the features h_b after each block b are optimised in turn,
front to back, by the same gradient; they may leave what the prior can draw from a style, but not
far:

    h_b <- P( Adam(h_b, gradient) )      P: onto |h_b - h_b0|_1 <= r_b

The paper takes 50 steps for w and 10 for each of 7 blocks, here the same shares of all steps. Its
radii, 1,000 to 8,000, belong to the sizes of its prior; here r_b is a tenth of |h_b0|_1.
"""

from dataclasses import replace

import torch
from torch import Tensor

from mia_demo.attack.optimisation import Optimisation
from mia_demo.attack.search import StepRecord
from mia_demo.models.stylegan2 import Features

STYLE_SHARE = 50 / 120  # of the steps
RADIUS_SHARE = 0.1  # of the l1 norm of the features


class IntermediateFeatures(Optimisation):
    """Stage by stage: w, then the features after every block but the last."""

    def begin(self, start: Tensor) -> None:
        super().begin(start)
        self.w = self.moving
        self.synthesis = self.renderer.generator.synthesis
        self.block = -1  # whose features move; before the first, w does
        self.skip = torch.empty(0)  # the picture so far, after the block
        self.centre = torch.empty(0)
        blocks = len(self.synthesis.resolutions) - 1
        first = max(1, round(STYLE_SHARE * self.config.steps))
        rest = self.config.steps - first
        # The step before which each block's turn begins; some have none where steps are few.
        self.turns = {first + rest * block // blocks: block for block in range(blocks)}
        self.taken = 0

    def step(self, rng: torch.Generator) -> StepRecord:
        if self.taken in self.turns and self.taken < self.config.steps:
            self._begin(self.turns[self.taken])
        self.taken += 1
        record = super().step(rng)
        if self.block >= 0 and record.trace:
            self.moving = self.centre + within_l1_ball(
                self.moving - self.centre, RADIUS_SHARE * self.centre.abs().flatten(1).sum(dim=1)
            )
            moved = self.moving.flatten(1).unflatten(0, self.shape) - record.trace.w
            record = replace(record, trace=replace(record.trace, moved=moved))
        return record

    def styles(self) -> Tensor:
        """Those of stage 1; the pictures have left them since."""
        return self.w.cpu().unflatten(0, self.shape)

    def pictures(self) -> Tensor:
        def some(part: slice) -> Tensor:
            with torch.no_grad():
                return self._draw(self.moving[part], part).cpu()

        parts = self.renderer.micro_batches.run(len(self.moving), some)
        return torch.cat(parts).unflatten(0, self.shape)

    def _draw(self, moving: Tensor, part: slice) -> Tensor:
        if self.block < 0:
            return super()._draw(moving, part)
        return self._after(len(self.synthesis.resolutions) - 1, moving, part)[1].float()

    @torch.no_grad()
    def _begin(self, block: int) -> None:
        """From here on the features after ``block`` move."""
        if self.block < 0:
            self.w = self.moving
        parts = self.renderer.micro_batches.run(
            len(self.w), lambda part: self._after(block, self.moving[part], part)
        )
        self.centre = torch.cat([maps.float() for maps, _ in parts])
        self.skip = torch.cat([image for _, image in parts])
        self.block = block
        self.restart(self.centre.clone())

    def _after(self, block: int, moving: Tensor, part: slice) -> Features:
        """The features after ``block``, made of what moves of a few candidates."""
        ws = self.w[part].unsqueeze(1).expand(-1, self.synthesis.num_ws, -1)
        so_far = None if self.block < 0 else (moving, self.skip[part])
        with self.renderer.compute.autocast():
            return self.synthesis.through(ws, range(self.block + 1, block + 1), so_far)


def within_l1_ball(changes: Tensor, radius: Tensor) -> Tensor:
    """The nearest point of the l1 ball (Duchi et al., ICML 2008) for each of N changes.

    Args:
        changes: [N, ...].
        radius: [N], above 0.
    """
    flat = changes.flatten(1)
    sizes = flat.abs().sort(dim=1, descending=True).values
    excess = sizes.cumsum(dim=1) - radius[:, None]
    counts = torch.arange(1, sizes.shape[1] + 1, device=flat.device)
    last = (sizes * counts > excess).sum(dim=1, keepdim=True) - 1
    threshold = (excess.gather(1, last) / (last + 1)).clamp_min(0)
    return (flat.sign() * (flat.abs() - threshold).clamp_min(0)).reshape(changes.shape)
