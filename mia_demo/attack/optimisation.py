"""Stage 2: candidates of all lanes walk through w-space in lock-step.

One batch through the generator serves every lane and identity; then each classifier sees its own
candidates. Adam works on each number by itself, so they do not influence each other.

With L lanes and I identities under attack there are T = L * I tracks, lane by lane: track
l * I + i is lane l's attack on identity i. Every track has K candidates.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from mia_demo.attack.config import AttackConfig
from mia_demo.attack.lanes import Lane
from mia_demo.attack.losses import LOSSES
from mia_demo.data.transforms import random_resized_crop
from mia_demo.device import Compute
from mia_demo.models.stylegan2 import Generator


def target_confidence(logits: Tensor, targets: Sequence[int]) -> Tensor:
    """Softmax of each track's target class: logits [T, K, C], targets [T] -> [T, K]."""
    probabilities = logits.softmax(dim=2)
    return torch.stack(
        [values[:, target] for values, target in zip(probabilities, targets, strict=True)]
    )


@dataclass(frozen=True)
class StepRecord:
    """What one step saw; T tracks, K candidates, before the update of w.

    Attributes:
        images: [T, K, 3, R, R], not clipped.
        losses: [T], mean over candidates.
        confidences: [T, K], softmax of the target class on the step's crop.
        gradient_cosine: [T], mean cosine between this and the previous step's image gradients
            (the paper's gradient-stability analysis); nan on the first step.
    """

    images: Tensor
    losses: Tensor
    confidences: Tensor
    gradient_cosine: Tensor


class Optimisation:
    """Candidates w of several tracks under one Adam.

    Args:
        identities: [I], the same for every lane.
        start: [T, K, w_dim], the candidates' first styles.
    """

    def __init__(
        self,
        generator: Generator,
        lanes: list[Lane],
        identities: Sequence[int],
        start: Tensor,
        config: AttackConfig,
        compute: Compute,
    ) -> None:
        self.generator = generator
        self.lanes = lanes
        self.targets = [*identities] * len(lanes)  # [T]
        self.config = config
        self.compute = compute
        self.shape = start.shape[:2]
        self.w = start.flatten(0, 1).to(compute.device).clone().requires_grad_(True)
        self.optimizer = torch.optim.Adam(
            [self.w], lr=config.learning_rate, betas=(config.adam_beta, config.adam_beta)
        )
        self._previous: Tensor | None = None

    def step(self, rng: torch.Generator) -> StepRecord:
        """One update of every candidate.

        Args:
            rng: draws the crop, one for the whole batch and so the same for all lanes.
        """
        config = self.config
        with torch.enable_grad():
            with self.compute.autocast():
                images = self.generator.synthesize(self.w)
                images.retain_grad()
                views = random_resized_crop(
                    images, images.shape[-1], (config.crop_scale, 1.0), rng, per_image=False
                ).contiguous(memory_format=torch.channels_last)
                logits = [
                    lane.classifier(part)
                    for lane, part in zip(self.lanes, views.chunk(len(self.lanes)), strict=True)
                ]
            tracks = torch.cat(logits).float().unflatten(0, self.shape)
            loss_of = LOSSES[config.loss]
            losses = torch.stack(
                [
                    loss_of(values, target).mean()
                    for values, target in zip(tracks, self.targets, strict=True)
                ]
            )
            losses.sum().backward()
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        gradient = images.grad
        assert gradient is not None
        return StepRecord(
            images=images.detach().float().unflatten(0, self.shape),
            losses=losses.detach(),
            confidences=target_confidence(tracks.detach(), self.targets),
            gradient_cosine=self._cosine(gradient.detach().float().flatten(1)),
        )

    def styles(self) -> Tensor:
        """The candidates as they are now: [T, K, w_dim] on the CPU."""
        return self.w.detach().cpu().unflatten(0, self.shape)

    def _cosine(self, gradient: Tensor) -> Tensor:
        previous, self._previous = self._previous, gradient
        if previous is None:
            return torch.full(self.shape[:1], torch.nan)
        cosine = F.cosine_similarity(gradient, previous, dim=1)
        return cosine.unflatten(0, self.shape).mean(dim=1)
