"""Hyper-parameters of the prior's training."""

from dataclasses import dataclass

from mia_demo.errors import ConfigError
from mia_demo.models.stylegan2 import Generator


@dataclass(frozen=True)
class PriorConfig:
    """Hyper-parameters of the prior; the defaults train overnight on two CPU cores.

    A picture is learnt at half the prior's resolution and refined to the whole of it.
    """

    resolution: int = 128
    latent_dim: int = 128  # of z and w alike
    channel_base: int = 2048  # feature maps at size r: min(channel_base / r, channel_max)
    channel_max: int = 192
    mapping_layers: int = 4
    autoencoder_kimg: float = 400.0  # thousands of photos: encoder and synthesis at half size
    mapping_steps: int = 1500
    restoration_kimg: float = 48.0  # thousands of pictures: from half size to full
    distillation_kimg: float = 150.0  # thousands of styles: the generator at full size
    seed: int = 0

    def __post_init__(self) -> None:
        if self.resolution < 32 or self.resolution & (self.resolution - 1):
            raise ConfigError(f"Resolution must be a power of two from 32, not {self.resolution}.")

    @property
    def base_resolution(self) -> int:
        return self.resolution // 2

    def generator(self, resolution: int) -> Generator:
        return Generator(**{**self.architecture(), "resolution": resolution})

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
