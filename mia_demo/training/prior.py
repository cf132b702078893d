"""Training of the attacker's prior: StyleGAN2 on public, disjoint identities.

Non-saturating logistic loss with R1 on real images (Mescheder et al. 2018) every
``r1_interval`` steps, moving average of the generator's weights, as in StyleGAN2-ADA. The images
are few, so discriminator inputs are lightly augmented (differentiable, on real and fake alike:
Zhao et al. 2020), besides mirroring.

A GAN alone spends most of a small budget on learning that faces are faces. So training starts as
a variational autoencoder (an encoder finds z, the generator rebuilds the image), and keeps
rebuilding half of each batch when the adversarial loss joins (Larsen et al., "Autoencoding beyond
pixels", ICML 2016). The encoder also keeps the prior from forgetting rare faces. Only the
generator leaves this module.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from mia_demo.device import Compute
from mia_demo.errors import CheckpointError, ConfigError
from mia_demo.models.discriminator import Discriminator
from mia_demo.models.stylegan2 import Generator
from mia_demo.training.state import (
    adam_tensors,
    load_adam,
    load_module,
    load_state,
    module_tensors,
    save_state,
    step_generator,
)

STATE_FILE = "prior_state.safetensors"


@dataclass(frozen=True)
class PriorConfig:
    """Hyper-parameters of the prior; the defaults train in hours on a laptop CPU."""

    resolution: int = 64
    latent_dim: int = 128  # of z and w alike
    channel_base: int = 2048  # feature maps at size r: min(channel_base / r, channel_max)
    channel_max: int = 192
    mapping_layers: int = 4
    batch_size: int = 32
    learning_rate: float = 0.0025
    r1_gamma: float = 0.3
    r1_interval: int = 16
    warmup_kimg: float = 48.0  # thousands of images before the adversarial loss joins
    reconstruction_weight: float = 4.0  # of the mean absolute error, beside the adversarial loss
    kl_weight: float = 0.03  # of the mean divergence a latent dimension, in the same unit
    ema_kimg: float = 10.0  # half-life of the weight average, in thousands of images
    ema_rampup: float = 0.05  # early on: at most this share of the images seen so far
    translation: float = 1 / 16  # augmentation: shift by up to this share of the width
    brightness: float = 0.1  # augmentation: added value, images are in [-1, 1]
    seed: int = 0

    def __post_init__(self) -> None:
        if self.resolution < 8 or self.resolution & (self.resolution - 1):
            raise ConfigError(f"Resolution must be a power of two from 8, not {self.resolution}.")
        if self.batch_size < 4 or self.batch_size % 4:
            raise ConfigError("Batch size must be a multiple of 4 (minibatch deviation).")

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


@dataclass(frozen=True)
class PriorFrame:
    """One report of the training."""

    step: int
    images_seen: int
    seconds: float  # of computing, earlier sittings included
    generator_loss: float
    discriminator_loss: float  # 0 while the autoencoder warms up
    r1_penalty: float  # nan on steps without it
    reconstruction: float  # mean absolute error, images in [-1, 1]


def augment(images: Tensor, config: PriorConfig, rng: torch.Generator) -> Tensor:
    """Random shift and brightness per image, differentiable. images: [B, 3, R, R] in [-1, 1]."""
    batch = len(images)
    # affine_grid counts in units of half the width.
    shift = (torch.rand(batch, 2, 1, generator=rng) * 2 - 1) * config.translation * 2
    matrix = torch.cat([torch.eye(2).repeat(batch, 1, 1), shift], dim=2).to(images.device)
    grid = F.affine_grid(matrix, list(images.shape), align_corners=False)
    moved = F.grid_sample(images.float(), grid, padding_mode="reflection", align_corners=False)
    light = (torch.rand(batch, 1, 1, 1, generator=rng) * 2 - 1) * config.brightness
    return moved + light.to(images.device)


def reconstruction_error(rebuilt: Tensor, image: Tensor) -> Tensor:
    """Mean absolute error, averaged over full, half and quarter size: shape counts, not grain."""
    error = (rebuilt - image).abs().mean()
    for factor in (2, 4):
        difference = F.avg_pool2d(rebuilt, factor) - F.avg_pool2d(image, factor)
        error = error + difference.abs().mean()
    return error / 3


class PriorTrainer:
    """Networks, optimisers and one training step; saves and restores all of it."""

    def __init__(self, config: PriorConfig, compute: Compute) -> None:
        self.config = config
        self.compute = compute
        torch.manual_seed(config.seed)
        self.generator = config.generator()
        self.discriminator = Discriminator(
            resolution=config.resolution,
            channel_base=config.channel_base,
            channel_max=config.channel_max,
        )
        self.encoder = Discriminator(
            resolution=config.resolution,
            channel_base=config.channel_base,
            channel_max=config.channel_max,
            out_features=2 * config.latent_dim,
            minibatch_deviation=False,
        )
        for network in (self.generator, self.discriminator, self.encoder):
            compute.place(network)
        self.average = copy.deepcopy(self.generator).requires_grad_(False).eval()
        self.generator_optimizer = self._adam(self.generator, interval=0)
        self.encoder_optimizer = self._adam(self.encoder, interval=0)
        self.discriminator_optimizer = self._adam(self.discriminator, config.r1_interval)
        self.step = 0
        self.seconds = 0.0

    def _adam(self, network: torch.nn.Module, interval: int) -> torch.optim.Adam:
        # Lazy regularisation takes one extra optimiser step an interval: correct for it
        # (StyleGAN2, appendix B).
        ratio = interval / (interval + 1) if interval else 1.0
        return torch.optim.Adam(
            network.parameters(),
            lr=self.config.learning_rate * ratio,
            betas=(0.0, 0.99**ratio),
            eps=1e-8,
        )

    @property
    def images_seen(self) -> int:
        return self.step * self.config.batch_size

    def train_step(self, images: Tensor) -> PriorFrame:
        """One update of both networks.

        Args:
            images: all real images, uint8 [N, 3, R, R].
        """
        started = time.perf_counter()
        config, device = self.config, self.compute.device
        rng = step_generator(config.seed, self.step)
        chosen = torch.randint(len(images), (config.batch_size,), generator=rng)
        real = images[chosen].to(device).float() / 127.5 - 1
        mirrored = torch.rand(config.batch_size, 1, 1, 1, generator=rng).to(device) < 0.5
        real = torch.where(mirrored, real.flip(3), real)
        torch.manual_seed((config.seed * 7_919 + self.step) % 2**63)  # noise inputs of the layers

        adversarial = self.images_seen >= config.warmup_kimg * 1000
        rebuilt = config.batch_size // 2 if adversarial else config.batch_size
        fake, generator_loss, reconstruction = self._update_generator(real[:rebuilt], rng)
        discriminator_loss, penalty = 0.0, float("nan")
        if adversarial:
            real, fake = augment(real, config, rng), augment(fake, config, rng)
            discriminator_loss = self._update_discriminator(real, fake)
            if self.step % config.r1_interval == 0:
                penalty = self._update_r1(real)
        self.step += 1
        self._update_average()
        self.seconds += time.perf_counter() - started
        return PriorFrame(
            step=self.step,
            images_seen=self.images_seen,
            seconds=self.seconds,
            generator_loss=generator_loss,
            discriminator_loss=discriminator_loss,
            r1_penalty=penalty,
            reconstruction=reconstruction,
        )

    def _update_generator(
        self, rebuilt: Tensor, rng: torch.Generator
    ) -> tuple[Tensor, float, float]:
        """Rebuilds ``rebuilt`` and, if that is less than a batch, fools the discriminator.

        Returns:
            The batch of generated images (rebuilt ones first), the adversarial loss and the
            reconstruction error.
        """
        config = self.config
        free = config.batch_size - len(rebuilt)
        noise = torch.randn(config.batch_size, config.latent_dim, generator=rng)
        noise = noise.to(self.compute.device)
        self.discriminator.requires_grad_(False)
        with self.compute.autocast():
            mean, log_variance = self.encoder(rebuilt).chunk(2, dim=1)
            code = mean + (log_variance / 2).exp() * noise[: len(rebuilt)]
            w = self.generator.mapping(torch.cat([code, noise[len(rebuilt) :]]), track_average=True)
            fake = self.generator.synthesis(w, noise_mode="random")
            divergence = (mean.square() + log_variance.exp() - 1 - log_variance).mean() / 2
            error = reconstruction_error(fake[: len(rebuilt)], rebuilt)
            loss = config.reconstruction_weight * (error + config.kl_weight * divergence)
            adversarial = torch.zeros(())
            if free:
                logits = self.discriminator(augment(fake, config, rng))
                adversarial = F.softplus(-logits).mean()
                loss = loss + adversarial
        loss.backward()
        for optimizer in (self.generator_optimizer, self.encoder_optimizer):
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        self.discriminator.requires_grad_(True)
        return fake.detach(), adversarial.item(), error.item()

    def _update_discriminator(self, real: Tensor, fake: Tensor) -> float:
        with self.compute.autocast():
            loss = F.softplus(self.discriminator(fake)).mean()
            loss = loss + F.softplus(-self.discriminator(real)).mean()
        loss.backward()
        self.discriminator_optimizer.step()
        self.discriminator_optimizer.zero_grad(set_to_none=True)
        return loss.item()

    def _update_r1(self, real: Tensor) -> float:
        real = real.detach().requires_grad_(True)
        with self.compute.autocast():
            logits = self.discriminator(real)
        (gradient,) = torch.autograd.grad(logits.sum(), real, create_graph=True)
        penalty = gradient.square().sum(dim=[1, 2, 3]).mean()
        (penalty * self.config.r1_gamma / 2 * self.config.r1_interval).backward()
        self.discriminator_optimizer.step()
        self.discriminator_optimizer.zero_grad(set_to_none=True)
        return penalty.item()

    @torch.no_grad()
    def _update_average(self) -> None:
        half_life = min(self.config.ema_kimg * 1000, self.images_seen * self.config.ema_rampup)
        beta = 0.5 ** (self.config.batch_size / max(half_life, 1e-8))
        for average, current in zip(
            self.average.parameters(), self.generator.parameters(), strict=True
        ):
            average.lerp_(current, 1 - beta)
        buffers = zip(self.average.buffers(), self.generator.buffers(), strict=True)
        for average_buffer, buffer in buffers:
            average_buffer.copy_(buffer)

    def save(self, directory: Path) -> None:
        tensors = {
            **module_tensors("generator", self.generator),
            **module_tensors("discriminator", self.discriminator),
            **module_tensors("encoder", self.encoder),
            **module_tensors("average", self.average),
            **adam_tensors("encoder_adam", self.encoder_optimizer),
            **adam_tensors("generator_adam", self.generator_optimizer),
            **adam_tensors("discriminator_adam", self.discriminator_optimizer),
        }
        numbers = {"config": asdict(self.config), "step": self.step, "seconds": self.seconds}
        save_state(directory / STATE_FILE, tensors, numbers)

    def load(self, directory: Path) -> None:
        """Restores a saved state.

        Raises:
            CheckpointError: the state belongs to another configuration, or is damaged.
        """
        tensors, numbers = load_state(directory / STATE_FILE)
        if numbers["config"] != asdict(self.config):
            raise CheckpointError(
                f"{directory} holds a training with other settings; choose another folder."
            )
        load_module("generator", self.generator, tensors)
        load_module("discriminator", self.discriminator, tensors)
        load_module("encoder", self.encoder, tensors)
        load_module("average", self.average, tensors)
        load_adam("encoder_adam", self.encoder_optimizer, tensors)
        load_adam("generator_adam", self.generator_optimizer, tensors)
        load_adam("discriminator_adam", self.discriminator_optimizer, tensors)
        self.step = int(numbers["step"])
        self.seconds = float(numbers["seconds"])


def train_prior(
    images: Tensor,
    config: PriorConfig,
    compute: Compute,
    directory: Path,
    *,
    minutes: float,
    resume: bool = True,
    save_every_seconds: float = 120.0,
) -> Iterator[PriorFrame]:
    """Trains for ``minutes`` of computing (at least a step), on top of earlier sittings.

    Args:
        images: uint8 [N, 3, R, R] with R the configured resolution.
        directory: where the resumable state lives.
        resume: go on from a state in ``directory``, if there is one.

    Yields:
        A frame a step. The state is saved regularly and at the end.
    """
    trainer = PriorTrainer(config, compute)
    if resume and (directory / STATE_FILE).exists():
        trainer.load(directory)
    started_at = saved_at = trainer.seconds
    while True:
        yield trainer.train_step(images)
        if trainer.seconds - started_at >= minutes * 60:
            break
        if trainer.seconds - saved_at > save_every_seconds:
            trainer.save(directory)
            saved_at = trainer.seconds
    trainer.save(directory)
