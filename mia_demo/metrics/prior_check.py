"""Is the prior good enough to attack with? Five measurements on people it never saw.

An attack can only show what the prior can draw. So: how far are its samples from real faces
(Fréchet distance, beside the distance of two halves of the real ones as the floor), can it draw
held-out people so that the face embedder still knows them (projection into w by pixels and by the
features of another network, after Image2StyleGAN, Abdal et al., ICCV 2019), does it copy its
training images, and does it draw as sharply as photos are?
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from mia_demo.data.transforms import normalise, to_uint8
from mia_demo.metrics.frechet import frechet_distance
from mia_demo.metrics.prior_quality import prior_frechet, sample_images
from mia_demo.metrics.recognition import identity_centres, recognised
from mia_demo.metrics.sharpness import sharpness
from mia_demo.models.embedder import FaceEmbedder
from mia_demo.models.features import FaceFeatures, feature_error
from mia_demo.models.stylegan2 import Generator
from mia_demo.system.device import Compute
from mia_demo.training.classifier import LabelledImages, predict

PROJECTION_STEPS = 300
PROJECTION_RATE = 0.05
PROJECTION_SCALES = (1, 2, 4, 8)  # the pixel error is summed over the image and its averages
FEATURE_WEIGHT = 0.5  # of the feature error beside it
PROJECTION_BATCH = 50
DUPLICATE_SAMPLES = 1000
SHARPNESS_SAMPLES = 800
DUPLICATE_QUANTILE = 0.01


@dataclass(frozen=True)
class PriorCheck:
    """What came out.

    Attributes:
        frechet: samples against held-out images, in face-embedder features.
        frechet_floor: one half of the held-out identities against the other.
        rank1_real: share of held-out identities recognised in a further real image of theirs.
        rank1_projected: share recognised in that image's projection into w.
        projection_error: mean squared error of projections, pixel values in [-1, 1].
        near_copies: share of samples nearer to a training image than 99 % of held-out images
            are; 1 % is what new people of the same kind would give.
        sharpness_finest, sharpness_second: power of samples over that of held-out images, in the
            finest octave of the prior's resolution and in the next (``sharpness``).
    """

    frechet: float
    frechet_floor: float
    rank1_real: float
    rank1_projected: float
    projection_error: float
    near_copies: float
    sharpness_finest: float
    sharpness_second: float


def measure_prior(
    generator: Generator,
    features: FaceFeatures,
    embedder: FaceEmbedder,
    compute: Compute,
    *,
    train: LabelledImages,
    held_out: LabelledImages,
    seed: int,
    log: Callable[[str], None],
) -> tuple[PriorCheck, Tensor, Tensor]:
    """All measurements.

    Args:
        features: guides projections; must be another network than the embedder, which judges.
        train: public images that the prior was trained on, uint8 [N, 3, R, R].
        held_out: of people that neither prior nor embedder saw; the first image of each is
            projected, the others are the gallery.

    Returns:
        the figures, the projected originals and their projections, uint8 [P, 3, R, R].
    """
    embedder = compute.place(embedder)
    real = predict(embedder, held_out.images, compute)
    half = held_out.labels <= held_out.labels.unique().median()
    first = first_occurrences(held_out.labels)
    originals, people = held_out.images[first], held_out.labels[first]
    gallery = torch.ones(len(real), dtype=torch.bool)
    gallery[first] = False
    centres, identities = identity_centres(real[gallery], held_out.labels[gallery])
    projections, error = project(generator, features, originals, compute, log=log)

    def rank1(images: Tensor) -> float:
        seen = recognised(predict(embedder, images, compute), centres, identities)
        return (seen == people).float().mean().item()

    known = predict(embedder, train.images, compute)
    samples = sample_images(generator, DUPLICATE_SAMPLES, compute, seed=seed + 1)
    finest, second = sharpness(samples[:SHARPNESS_SAMPLES], held_out.images[:SHARPNESS_SAMPLES])
    figures = PriorCheck(
        frechet=prior_frechet(generator, embedder, held_out.images, compute, seed=seed),
        frechet_floor=frechet_distance(real[half], real[~half]),
        rank1_real=rank1(originals),
        rank1_projected=rank1(projections),
        projection_error=error,
        near_copies=near_copies(predict(embedder, samples, compute), real, known),
        sharpness_finest=finest,
        sharpness_second=second,
    )
    return figures, originals, projections


def project(
    generator: Generator,
    features: FaceFeatures,
    images: Tensor,
    compute: Compute,
    *,
    log: Callable[[str], None],
) -> tuple[Tensor, float]:
    """The prior's nearest pictures: one w each, from the mean w, by Adam on both errors.

    Args:
        images: uint8 [P, 3, R, R].

    Returns:
        projections uint8 [P, 3, R, R], and the mean squared error in [-1, 1] pixel values.
    """
    generator = compute.place(generator).requires_grad_(False)
    features = compute.place(features)
    parts, errors = [], []
    for start in range(0, len(images), PROJECTION_BATCH):
        wanted = normalise(images[start : start + PROJECTION_BATCH].to(compute.device))
        w = generator.mapping.w_avg.repeat(len(wanted), 1).clone().requires_grad_(True)
        optimizer = torch.optim.Adam([w], lr=PROJECTION_RATE)
        with torch.no_grad(), compute.autocast():
            wanted_features = features(wanted)
        for step in range(PROJECTION_STEPS):
            # Long steps first, short ones last.
            for group in optimizer.param_groups:
                group["lr"] = PROJECTION_RATE * (1 - step / PROJECTION_STEPS)
            with compute.autocast():
                drawn = generator.synthesize(w).float()
                unlike = feature_error(features(drawn), wanted_features)
            loss = multiscale_error(drawn, wanted) + FEATURE_WEIGHT * unlike
            loss.sum().backward()
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        with torch.no_grad(), compute.autocast():
            drawn = generator.synthesize(w).float()
        parts.append(to_uint8(drawn).cpu())
        errors.append((drawn - wanted).square().mean(dim=(1, 2, 3)).cpu())
        log(f"projected {min(start + PROJECTION_BATCH, len(images))} of {len(images)}")
    return torch.cat(parts), torch.cat(errors).mean().item()


def multiscale_error(drawn: Tensor, wanted: Tensor) -> Tensor:
    """Squared error [P] of images [P, 3, R, R], summed over the image and its averages."""
    errors = [
        (F.avg_pool2d(drawn, scale) - F.avg_pool2d(wanted, scale)).square().mean(dim=(1, 2, 3))
        for scale in PROJECTION_SCALES
    ]
    return torch.stack(errors).sum(dim=0)


def near_copies(samples: Tensor, held_out: Tensor, train: Tensor) -> float:
    """Share of samples whose nearest training image is suspiciously near, by embeddings [·, D].

    Suspicious is nearer than all but ``DUPLICATE_QUANTILE`` of held-out images lie.
    """
    usual = torch.cdist(held_out, train).amin(dim=1)
    threshold = usual.quantile(DUPLICATE_QUANTILE)
    nearest = torch.cdist(samples, train).amin(dim=1)
    return (nearest < threshold).float().mean().item()


def first_occurrences(labels: Tensor) -> Tensor:
    """Index of each label's first occurrence, in the order of the labels."""
    return torch.stack([(labels == label).nonzero()[0, 0] for label in labels.unique()])
