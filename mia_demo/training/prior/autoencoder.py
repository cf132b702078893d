"""First phase: an encoder reads a photo into one style w, the synthesis network redraws it.

Regression alone, on every photo. Error: pixels, colour, and the features of a network that tells
faces apart (``FaceFeatures``). No critic judges the pictures: critics of the features of half-size
pictures paint coloured blotches around eyes and hair (docs/experiments.md), which regression does
not. A little noise on w keeps neighbouring styles similar, which makes the latent space of an
autoencoder fit for sampling (Ghosh et al., "From variational to deterministic autoencoders", ICLR
2020).
"""

import copy
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from mia_demo.data.transforms import normalise
from mia_demo.models.encoder import Encoder
from mia_demo.models.features import FaceFeatures, feature_error
from mia_demo.models.stylegan2 import Generator
from mia_demo.system.device import Compute
from mia_demo.system.seeds import SeededDraws
from mia_demo.training.prior.config import PriorConfig
from mia_demo.training.prior.phase import Phase, adam, random_photos

AUTOENCODER_RATE = 0.004  # equalised, as in StyleGAN2
NOISE_ON_READ_STYLES = 0.1  # standard deviation added to w
AUTOENCODER_FEATURE_WEIGHT = 2.0  # of the feature error; pixels and colour have 1
SMALLEST_DEVIATION = 0.05  # of a dimension of w, as a share of the median dimension's
ALMOST_NOTHING = 1e-6  # a deviation of photos that are all alike
CODED_AT_ONCE = 50
PIXEL_SCALES = (1, 2, 4)


@dataclass(frozen=True)
class HalfPrior:
    """What the first two phases make.

    Attributes:
        generator: draws half-size pictures.
        codes: the photos' styles [N, w_dim].
    """

    generator: Generator
    codes: Tensor

    @torch.no_grad()
    def draw(self, styles: Tensor, compute: Compute) -> Tensor:
        """Styles [B, w_dim] -> pictures [B, 3, R / 2, R / 2] in [-1, 1]."""
        with compute.autocast():
            return self.generator.synthesize(styles, noise=False).float().clamp(-1, 1)


class AutoencoderPhase(Phase):
    """Photos [N, 3, R, R] -> styles -> the same photos at R / 2.

    Args:
        images: uint8.
        features: measure likeness; trained on public identities only.

    Attributes:
        average, encoder_average: what the next phases work with.
    """

    name = "autoencoder"
    batch_size = 20
    kept = ("generator", "encoder", "average", "encoder_average", "adam")

    def __init__(
        self, config: PriorConfig, images: Tensor, features: FaceFeatures, compute: Compute
    ) -> None:
        super().__init__(config, round(config.autoencoder_kimg * 1000 / self.batch_size), compute)
        self.images = images
        self.features = compute.place(features)
        with SeededDraws(config.seed):
            self.generator = compute.place(config.generator(config.base_resolution))
            encoder = Encoder(
                resolution=config.resolution,
                w_dim=config.latent_dim,
                channel_base=config.channel_base // 2,
                channel_max=config.channel_max,
            )
            self.encoder = compute.place(encoder)
        self.average = copy.deepcopy(self.generator).requires_grad_(False)
        self.encoder_average = copy.deepcopy(self.encoder).requires_grad_(False)
        learning = [*self.generator.synthesis.parameters(), *self.encoder.parameters()]
        self.adam = adam(learning, AUTOENCODER_RATE, (0.9, 0.99))

    def update(self, rng: torch.Generator) -> dict[str, float]:
        photos = random_photos(self.images, self.batch_size, rng, self.compute)
        wanted = F.avg_pool2d(photos, 2)
        with self.compute.autocast():
            styles = self.encoder(photos)
            styles = styles + NOISE_ON_READ_STYLES * self.normal(self.batch_size, rng)
            drawn = self.generator.synthesize(styles, noise=False).float()
            with torch.no_grad():
                wanted_features = self.features(wanted)
            in_features = feature_error(self.features(drawn), wanted_features).mean()
        in_pixels, in_colour = pixel_error(drawn, wanted), colour_error(drawn, wanted)
        (in_pixels + in_colour + AUTOENCODER_FEATURE_WEIGHT * in_features).backward()
        self.apply(self.adam)
        self.follow(self.average, self.generator)
        self.follow(self.encoder_average, self.encoder)
        return {"pixels": in_pixels.item(), "features": in_features.item()}


def pixel_error(reconstruction: Tensor, image: Tensor) -> Tensor:
    """Mean absolute error, averaged over full, half and quarter size, so that shape counts."""
    errors = [
        (F.avg_pool2d(reconstruction, scale) - F.avg_pool2d(image, scale)).abs().mean()
        for scale in PIXEL_SCALES
    ]
    return torch.stack(errors).mean()


def colour_error(reconstruction: Tensor, image: Tensor) -> Tensor:
    """Mean absolute error of what is left of each pixel without its brightness."""

    def colour(x: Tensor) -> Tensor:
        return x - x.mean(dim=1, keepdim=True)

    return (colour(reconstruction) - colour(image)).abs().mean()


@torch.no_grad()
def codes_of(encoder: Encoder, images: Tensor, compute: Compute) -> Tensor:
    """The styles [N, w_dim] that the encoder reads in uint8 [N, 3, R, R]."""
    parts = []
    with compute.autocast():
        for batch in images.split(CODED_AT_ONCE):
            parts.append(encoder(normalise(batch.to(compute.device))))
    return torch.cat(parts)


@torch.no_grad()
def settle_styles(generator: Generator, codes: Tensor) -> HalfPrior:
    """Shifts and scales w to mean 0 and deviation 1 in every dimension; no picture changes.

    An attack's step in w then means the same in every dimension and for every prior. Every layer by
    which the synthesis reads w is affine.

    Args:
        codes: styles [N, w_dim] of the photos.

    Returns:
        the generator with the codes that it reads now.
    """
    mean, deviation = codes.mean(dim=0), codes.std(dim=0)
    smallest = max(SMALLEST_DEVIATION * deviation.median().item(), ALMOST_NOTHING)
    deviation = deviation.clamp(min=smallest)
    for name, layer in generator.synthesis.named_modules():
        if name.endswith("affine"):
            layer.bias += (layer.weight * layer.weight_gain) @ mean / layer.bias_gain
            layer.weight *= deviation
    return HalfPrior(generator, (codes - mean) / deviation)
