"""Accuracy on adversarial pictures: how much change it takes to misclassify one.

    FGSM   x + e sign(grad_x CE(f(x), y))                          (Goodfellow et al., ICLR 2015)
    PGD    x_0 = x;  x <- clip_e(x + 2.5 e / n * sign(grad))       n steps (Madry et al., ICLR 2018)

e bounds the change of every pixel, in units of -1..1; pictures stay in -1..1. A classifier whose
gradient is masked looks robust here and is not: PGD that finds less than FGSM is a sign of it.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from mia_demo.data.transforms import normalise
from mia_demo.models.classifiers import Classifier
from mia_demo.system.device import Compute
from mia_demo.training.classifier import LabelledImages

EPSILONS = (0.005, 0.01, 0.02, 0.05)
PGD_STEPS = 10
PGD_STRIDE = 2.5  # steps reach a little beyond the border, as Madry et al. have them
BATCH_SIZE = 128


def robust_accuracies(
    classifier: Classifier, data: LabelledImages, compute: Compute, epsilons: Sequence[float]
) -> dict[str, list[float]]:
    """Top-1 accuracy in 0..1 for each epsilon, under ``fgsm`` and under ``pgd``.

    A misclassified picture is not tried with a larger epsilon: the change that was found lies
    within that as well.

    Args:
        epsilons: from small to large.
    """
    found: dict[str, list[float]] = {}
    for name, steps in (("fgsm", 1), ("pgd", PGD_STEPS)):
        standing, found[name] = data, []
        for epsilon in epsilons:
            holds = _holds(classifier, standing, compute, (epsilon, steps))
            standing = LabelledImages(standing.images[holds], standing.labels[holds])
            found[name].append(len(standing.labels) / len(data.labels))
    return found


def perturbed(
    classifier: Classifier, images: Tensor, labels: Tensor, epsilon: float, steps: int
) -> Tensor:
    """Images [B, 3, S, S] in -1..1 after ``steps`` of the gradient's sign, within ``epsilon``."""
    stride = epsilon if steps == 1 else PGD_STRIDE * epsilon / steps
    low, high = (images - epsilon).clamp_min(-1), (images + epsilon).clamp_max(1)
    moved = images
    for _ in range(steps):
        seen = moved.detach().requires_grad_(True)
        with torch.enable_grad():
            loss = F.cross_entropy(classifier(seen).float(), labels, reduction="sum")
            (gradient,) = torch.autograd.grad(loss, seen)
        moved = torch.maximum(torch.minimum(moved + stride * gradient.sign(), high), low)
    return moved


def _holds(
    classifier: Classifier, data: LabelledImages, compute: Compute, attack: tuple[float, int]
) -> Tensor:
    """Which labels hold under an attack, by its epsilon and steps: [N]."""
    holds = torch.zeros(len(data.labels), dtype=torch.bool)
    for start in range(0, len(data.labels), BATCH_SIZE):
        part = slice(start, start + BATCH_SIZE)
        images = normalise(data.images[part].to(compute.device))
        images = images.contiguous(memory_format=torch.channels_last)
        labels = data.labels[part].to(compute.device)
        with compute.autocast():
            moved = perturbed(classifier, images, labels, *attack)
            with torch.no_grad():
                holds[part] = (classifier(moved).argmax(dim=1) == labels).cpu()
    return holds
