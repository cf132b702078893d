"""Hyper-parameters of the prior's training."""

from dataclasses import dataclass

from mia_demo.errors import ConfigError
from mia_demo.models.stylegan2 import Generator


@dataclass(frozen=True)
class PriorConfig:
    """Hyper-parameters of the prior; the defaults train in hours on a laptop CPU."""

    resolution: int = 64
    latent_dim: int = 128  # of z and w alike
    channel_base: int = 2048  # feature maps at size r: min(channel_base / r, channel_max)
    channel_max: int = 192
    mapping_layers: int = 4
    batch_size: int = 16
    learning_rate: float = 0.01  # of synthesis and encoder, equalised as in StyleGAN2
    mapping_rate: float = 5.0  # on top of the mapping network's own multiplier of 0.01
    critic_rate: float = 0.002
    decay_kimg: float = 50.0  # rates fall with 1 / (1 + images seen / decay)
    feature_weight: float = 2.0  # of the feature error; the pixel error has 1
    style_noise: float = 0.1  # standard deviation added to w
    style_penalty: float = 0.001  # of the mean square of w: limits its scale
    bank: int = 1024  # most recent codes, which the mapping network is compared with
    warmup_kimg: float = 130.0  # thousands of images before the critics join
    critic_weight: float = 0.1
    sampled: int = 8  # random faces per step for the critics
    ema_kimg: float = 10.0  # half-life of the weight average, in thousands of images
    ema_rampup: float = 0.05  # early on: half-life at most this share of the images seen
    translation: float = 1 / 16  # augmentation: shift by up to this share of the width
    brightness: float = 0.1  # augmentation: added value, images are in [-1, 1]
    seed: int = 0

    def __post_init__(self) -> None:
        if self.resolution < 16 or self.resolution & (self.resolution - 1):
            raise ConfigError(f"Resolution must be a power of two from 16, not {self.resolution}.")
        if self.batch_size < 2:
            raise ConfigError(f"Batch size must be at least 2, not {self.batch_size}.")
        if self.warmup_kimg * 1000 < self.batch_size:
            raise ConfigError("Critics join after at least one step; raise warmup_kimg.")

    def generator(self) -> Generator:
        return Generator(**self.architecture())

    def architecture(self) -> dict[str, int]:
        """Arguments of ``Generator``, as the manifest stores them."""
        return {
            "z_dim": self.latent_dim,
            "w_dim": self.latent_dim,
            "resolution": self.resolution,
            "channel_base": self.channel_base,
            "channel_max": self.channel_max,
            "mapping_layers": self.mapping_layers,
        }
