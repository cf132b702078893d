"""Stage 3: which optimised candidates convince their classifier from every angle."""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor

from mia_demo.attack.lanes import Lane
from mia_demo.data.transforms import random_resized_crop
from mia_demo.system.device import Compute
from mia_demo.system.memory import Portions

# Ranges of the reference code.
CROP_AREA = (0.5, 0.9)
CROP_RATIO = (0.8, 1.2)


@torch.no_grad()
def robust_confidence(
    lane: Lane,
    images: Tensor,
    targets: Tensor,
    rounds: int,
    rng: torch.Generator,
    compute: Compute,
    portions: Portions,
) -> Tensor:
    """Mean target confidence [N] of images [N, 3, R, R] over random crops and flips.

    Args:
        targets: int64 [N], the identity each image should show.

    One draw a round for all images, so that they are compared on equal terms.
    """

    def confidence(views: Tensor, part: slice) -> Tensor:
        with compute.autocast():
            logits = lane.classifier(views[part])
        probabilities = logits.float().softmax(dim=1)
        return probabilities.gather(1, targets[part, None]).squeeze(1)

    total = torch.zeros(len(images), device=images.device)
    for _ in range(rounds):
        views = random_resized_crop(
            images,
            images.shape[-1],
            CROP_AREA,
            rng,
            ratio=CROP_RATIO,
            per_image=False,
            mirror=True,
        )
        views = views.contiguous(memory_format=torch.channels_last)
        total += torch.cat(portions.run(len(views), partial(confidence, views)))
    return total / rounds
