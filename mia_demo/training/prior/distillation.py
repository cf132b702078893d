"""Last phase: one generator of full size learns to draw what prior and restorer draw together.

Every style has one right picture, so nothing is left to critics.
"""

import copy

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mia_demo.models.features import FaceFeatures, feature_error
from mia_demo.models.restorer import Restorer
from mia_demo.system.device import Compute
from mia_demo.system.seeds import SeededDraws
from mia_demo.training.prior.autoencoder import HalfPrior
from mia_demo.training.prior.config import PriorConfig
from mia_demo.training.prior.degradation import blurred
from mia_demo.training.prior.phase import Phase, adam, cropped, random_corners
from mia_demo.training.prior.restoration import SEEN_STAGES

OF_PHOTOS = 5  # styles per step that are those of photos, with a little noise; the others random
DISTILLATION_RATE = 0.006  # equalised, as in StyleGAN2
NOISE_ON_KNOWN_STYLES = 0.1
DISTILLATION_FEATURE_WEIGHT = 1.0
# The generator draws softer than it is taught, so its lessons are a little too sharp.
SHARPENING, SHARPENED_RADIUS = 0.35, 0.7


class DistillationPhase(Phase):
    """Learns ``generator``, of which ``average`` is the prior.

    Args:
        features: see full-size pictures.
    """

    name = "distillation"
    batch_size = 12
    kept = ("generator", "average", "adam")

    def __init__(
        self,
        config: PriorConfig,
        base: HalfPrior,
        restorer: Restorer,
        features: FaceFeatures,
        compute: Compute,
    ) -> None:
        super().__init__(config, round(config.distillation_kimg * 1000 / self.batch_size), compute)
        self.base, self.restorer = base, restorer
        self.features = compute.place(features)
        with SeededDraws(config.seed):
            generator = config.generator(config.resolution)
        generator.load_state_dict(base.generator.state_dict(), strict=False)  # all but one block
        # The new block begins with nothing to add.
        nn.init.zeros_(getattr(generator.synthesis, f"b{config.resolution}").torgb.weight)
        self.generator = compute.place(generator)
        self.average = copy.deepcopy(self.generator).requires_grad_(False)
        self.adam = adam(self.generator.synthesis.parameters(), DISTILLATION_RATE, (0.9, 0.99))

    def update(self, rng: torch.Generator) -> dict[str, float]:
        styles, wanted = self._lesson(rng)
        corners = random_corners(len(styles), self.config.resolution, rng)
        with self.compute.autocast():
            drawn = self.generator.synthesize(styles, noise=False).float()
            seen = self.features(cropped(drawn, corners))[:SEEN_STAGES]
            with torch.no_grad():
                to_be_seen = self.features(cropped(wanted, corners))[:SEEN_STAGES]
            in_features = feature_error(seen, to_be_seen).mean()
        in_pixels = (drawn - wanted).abs().mean()
        in_coarse = (F.avg_pool2d(drawn, 4) - F.avg_pool2d(wanted, 4)).abs().mean()
        (in_pixels + in_coarse + DISTILLATION_FEATURE_WEIGHT * in_features).backward()
        self.apply(self.adam)
        self.follow(self.average, self.generator)
        return {"pixels": in_pixels.item(), "features": in_features.item()}

    @torch.no_grad()
    def _lesson(self, rng: torch.Generator) -> tuple[Tensor, Tensor]:
        """Styles [B, w_dim], and their pictures [B, 3, R, R]."""
        codes, z = self.base.codes, self.normal(self.batch_size - OF_PHOTOS, rng)
        chosen = torch.randint(len(codes), (OF_PHOTOS,), generator=rng).to(codes.device)
        near_photos = codes[chosen] + NOISE_ON_KNOWN_STYLES * self.normal(OF_PHOTOS, rng)
        styles = torch.cat([near_photos, self.base.generator.mapping(z)[:, 0]])
        soft = self.base.draw(styles, self.compute)
        with self.compute.autocast():
            pictures = self.restorer(soft)
        sharper = pictures + SHARPENING * (pictures - blurred(pictures, SHARPENED_RADIUS))
        return styles, sharper.clamp(-1, 1)
