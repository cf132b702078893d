"""Stage 3: keep the candidates whose target confidence survives random crops and flips."""

import torch
from torch import Tensor

from mia_demo.attack.lanes import Lane
from mia_demo.attack.renderer import Renderer
from mia_demo.attack.search import Told, all_confidences
from mia_demo.data.transforms import SharedCrop

# Ranges of the reference code.
CROP_AREA = (0.5, 0.9)
CROP_RATIO = (0.8, 1.2)


@torch.no_grad()
def robust_confidence(
    renderer: Renderer,
    lane: Lane,
    images: Tensor,
    targets: Tensor,
    *,
    told: Told = all_confidences,
    rounds: int,
    rng: torch.Generator,
) -> Tensor:
    """r(x) = 1/T · Σ_t softmax(f(A_t(x)))_y, in 0..1, of images [N, 3, R, R]: float32 [N].

    T = ``rounds``; A_t is a crop of 0.5 to 0.9 of the area with sides in a ratio of 0.8 to 1.2,
    resized back and mirrored with probability 1/2 (Plug & Play, Struppek et al., ICML 2022).

    Args:
        images: about -1..1, as a generator draws them, not clipped.
        targets: int64 [N], the identity each image should show.
        told: what the attacker learns of the softmax; labels alone count the views that convince.
        rounds: draws of crop and flip, each for all images: they are compared on equal terms.
    """

    total = torch.zeros(len(images), device=images.device)
    for _ in range(rounds):
        crop = SharedCrop.draw(images.shape[-1], CROP_AREA, rng, CROP_RATIO, mirror=True)
        views = crop(images)
        probabilities = told(renderer.logits(lane.attacked, views).softmax(dim=1))
        total += probabilities.gather(1, targets[:, None]).squeeze(1)
    return total / rounds
