"""Third phase: a restorer learns to turn the half-size prior's pictures into full-size ones.

For degraded photos the answer is known: the photo. For what the autoencoder makes of a photo it is
nearly known, and of random faces only that they keep what is coarse. Critics of the features, with
a small weight, ask for photo-like detail in all three; a larger weight paints dots and ticks along
contours (docs/experiments.md).
"""

import copy

import torch
import torch.nn.functional as F
from torch import Tensor

from mia_demo.data.transforms import normalise
from mia_demo.models.critics import PatchCritics
from mia_demo.models.features import FaceFeatures, feature_error
from mia_demo.models.restorer import Restorer
from mia_demo.system.device import Compute
from mia_demo.system.seeds import SeededDraws
from mia_demo.training.prior.autoencoder import HalfPrior
from mia_demo.training.prior.config import PriorConfig
from mia_demo.training.prior.degradation import degrade
from mia_demo.training.prior.phase import (
    Phase,
    adam,
    coins,
    cropped,
    mirrored,
    random_corners,
)

DEGRADED, REBUILT, FACES = 8, 4, 4  # pictures of each kind per step
PHOTOS = DEGRADED + REBUILT
RESTORER_RATE = 5e-4  # of restorer and critics
CRITIC_WEIGHT = 0.009
COARSE_WEIGHT = 0.5
LIKENESS_WEIGHTS = (0.7, 0.3)  # of degraded photos, and of rebuilt ones
SEEN_STAGES = 3  # of the features, finest first
DETAIL_GAIN = 8.0  # detail is some eighth of the contrast


class RestorationPhase(Phase):
    """Learns ``restorer`` from photos and from what the half-size prior draws.

    Args:
        images: photos uint8 [N, 3, R, R].
        features: see full-size pictures.
    """

    name = "restoration"
    batch_size = PHOTOS + FACES
    kept = ("restorer", "average", "critics", "adam", "critics_adam")

    def __init__(
        self,
        config: PriorConfig,
        images: Tensor,
        base: HalfPrior,
        features: FaceFeatures,
        compute: Compute,
    ) -> None:
        super().__init__(config, round(config.restoration_kimg * 1000 / self.batch_size), compute)
        self.images = images
        self.base = base
        self.features = compute.place(features)
        with SeededDraws(config.seed), torch.no_grad():
            self.restorer = compute.place(Restorer())
            stages = self._stages(normalise(images[:64].to(compute.device)))
            self.critics = compute.place(PatchCritics([stage.shape[1] for stage in stages]))
            self.critics.learn_scale(stages)
        self.average = copy.deepcopy(self.restorer).requires_grad_(False)
        self.adam = adam(self.restorer.parameters(), RESTORER_RATE, (0.5, 0.99))
        self.critics_adam = adam(self.critics.parameters(), RESTORER_RATE, (0.0, 0.99))

    def update(self, rng: torch.Generator) -> dict[str, float]:
        soft, photos = self._batch(rng)
        corners = random_corners(len(soft), self.config.resolution, rng)
        with self.compute.autocast():
            restored = self.restorer(soft)
            seen = self._stages(cropped(restored, corners))
            with torch.no_grad():
                wanted = self._stages(cropped(photos, corners[:PHOTOS]))
            # Of the features themselves; the first stage is the detail of the picture.
            unlike = feature_error([stage[:PHOTOS] for stage in seen[1:]], wanted[1:])
            self.critics.requires_grad_(False)
            realness = sum(verdict.mean() for verdict in self.critics(seen))
            self.critics.requires_grad_(True)
        in_pixels = (restored[:DEGRADED] - photos[:DEGRADED]).abs().mean()
        coarse = torch.cat([F.avg_pool2d(photos[DEGRADED:], 4), F.avg_pool2d(soft[PHOTOS:], 2)])
        in_coarse = (F.avg_pool2d(restored[DEGRADED:], 4) - coarse).abs().mean()
        degraded, rebuilt = LIKENESS_WEIGHTS
        in_features = degraded * unlike[:DEGRADED].mean() + rebuilt * unlike[DEGRADED:].mean()
        loss = in_pixels + COARSE_WEIGHT * in_coarse + in_features - CRITIC_WEIGHT * realness
        loss.backward()
        self.apply(self.adam)
        in_critics = self._update_critics(photos, [stage.detach() for stage in seen], rng)
        self.follow(self.average, self.restorer)
        return {
            "pixels": in_pixels.item(),
            "features": in_features.item(),
            "critics": in_critics,
        }

    def _batch(self, rng: torch.Generator) -> tuple[Tensor, Tensor]:
        """Half-size pictures of all three kinds, and the photos of the first two."""
        chosen = torch.randint(len(self.images), (PHOTOS,), generator=rng)
        photos = normalise(self.images[chosen].to(self.compute.device))
        of_photos = self.base.codes[chosen[DEGRADED:].to(photos.device)]
        of_faces = self.base.generator.mapping(self.normal(FACES, rng))[:, 0]
        drawn = self.base.draw(torch.cat([of_photos, of_faces]), self.compute)
        soft = torch.cat([degrade(photos[:DEGRADED], rng), drawn])
        is_mirrored = coins(len(soft), rng)
        return mirrored(soft, is_mirrored), mirrored(photos, is_mirrored[:PHOTOS])

    def _update_critics(self, photos: Tensor, drawn: list[Tensor], rng: torch.Generator) -> float:
        """Hinge loss on other crops of the photos, and on the restored crops."""
        corners = random_corners(len(photos), self.config.resolution, rng)
        with self.compute.autocast():
            with torch.no_grad():
                real = self._stages(cropped(photos, corners))
            loss = torch.zeros((), device=photos.device)
            for true, false in zip(self.critics(real), self.critics(drawn), strict=True):
                loss = loss + F.relu(1 - true).mean() + F.relu(1 + false).mean()
        loss.backward()
        self.apply(self.critics_adam)
        return loss.item()

    def _stages(self, pictures: Tensor) -> list[Tensor]:
        """The detail of pictures [B, 3, ·, ·], then their finest features."""
        padded = F.pad(pictures, (2,) * 4, mode="reflect")
        detail = (pictures - F.avg_pool2d(padded, 5, 1)) * DETAIL_GAIN
        return [detail, *self.features(pictures)[:SEEN_STAGES]]
