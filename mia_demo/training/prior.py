"""Training of the attacker's prior: StyleGAN2 on public, disjoint identities.

A GAN alone needs millions of images to learn what a face is. Here the synthesis network first
learns to reconstruct given faces, and only then to make random ones look real:

1. **Autoencoder into w.** An encoder reads a picture into one style w, the synthesis network
   reconstructs it. Error: pixels, and the features of a network that tells faces apart
   (``FaceFeatures``). A little noise on w keeps neighbouring styles similar, which makes the latent
   space of an autoencoder fit for sampling (Ghosh et al., "From variational to deterministic
   autoencoders", ICLR 2020).
2. **Mapping.** The mapping network learns to turn z ~ N(0, I) into styles distributed like the
   encoder's: it minimises the energy distance to the codes of the last ``bank`` images and nothing
   else, so no kind of face is dropped for being hard to draw.
3. **Critics.** After ``warmup_kimg``, critics on the features (Projected GANs) judge samples of
   random z, with hinge loss and light augmentation. Reconstruction continues, so that no rare face
   is forgotten (Larsen et al., "Autoencoding beyond pixels", ICML 2016). The styles are frozen by
   then: the encoder stops learning and w is scaled to unit deviation. Otherwise w would grow to
   escape its noise and drift faster than any weight average could follow.

Learning rates fall with the images seen; the shipped weights are a moving average, as in StyleGAN2.
Of all networks only the generator is shipped.
"""

import copy
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mia_demo.models.critics import FeatureCritics
from mia_demo.models.encoder import Encoder
from mia_demo.models.features import FaceFeatures, feature_error
from mia_demo.system.cores import FreeCores
from mia_demo.system.device import Compute
from mia_demo.system.seeds import SeededDraws
from mia_demo.training.prior_config import PriorConfig
from mia_demo.training.prior_losses import augment, energy_distance, pixel_error
from mia_demo.training.state import load_state, save_state, step_generator

PRIOR_STATE_FILE = "prior_state.safetensors"
MAPPING_BATCH = 256  # styles drawn per step for the energy distance
ADAM_WARMUP = 50  # steps
SAVE_EVERY_SECONDS = 120  # of computing


@dataclass(frozen=True)
class PriorFrame:
    """One step of the training."""

    step: int
    images_seen: int
    seconds: float  # of computing, including earlier sittings
    pixel_error: float  # of reconstructions: mean absolute, images in [-1, 1]
    feature_error: float  # of reconstructions: relative, see ``feature_error``
    style_distance: float  # energy distance between the styles of mapping and encoder
    critic_loss: float  # 0 until the critics join


class PriorTrainer:
    """Networks, optimisers and one training step; saves and restores all of it.

    Args:
        features: measures likeness; trained on public identities only.
    """

    def __init__(self, config: PriorConfig, features: FaceFeatures, compute: Compute) -> None:
        self.config = config
        self.compute = compute
        self.features = compute.place(features)
        with SeededDraws(config.seed):
            self.generator = compute.place(config.generator())
            encoder = Encoder(
                resolution=config.resolution,
                w_dim=config.latent_dim,
                channel_base=config.channel_base // 2,
                channel_max=config.channel_max,
            )
            self.encoder = compute.place(encoder)
            self.critics = compute.place(FeatureCritics(features.shapes(config.resolution)))
        self.average = copy.deepcopy(self.generator).requires_grad_(False).eval()
        # Momentum for the networks that reconstruct (plain regression), none for the critics.
        rate, betas = config.learning_rate, (0.9, 0.99)
        self.optimizers = {
            "synthesis": _adam(self.generator.synthesis, rate, betas),
            "encoder": _adam(self.encoder, rate, betas),
            "mapping": _adam(self.generator.mapping, config.mapping_rate, betas),
            "critics": _adam(self.critics, config.critic_rate, (0.0, 0.99)),
        }
        self.bank = torch.zeros(0, config.latent_dim, device=compute.device)
        self.style_scale = 0.0  # what w was divided by when styles were frozen; 0 until then
        self.step = 0
        self.seconds = 0.0

    @property
    def images_seen(self) -> int:
        return self.step * self.config.batch_size

    def train_step(self, images: Tensor) -> PriorFrame:
        """One update of every network, from a batch of all training images uint8 [N, 3, R, R]."""
        started = time.perf_counter()
        config, device = self.config, self.compute.device
        rng = step_generator(config.seed, self.step)
        self._set_rates()
        chosen = torch.randint(len(images), (config.batch_size,), generator=rng)
        real = images[chosen].to(device).float() / 127.5 - 1
        mirrored = torch.rand(config.batch_size, 1, 1, 1, generator=rng).to(device) < 0.5
        real = torch.where(mirrored, real.flip(3), real)
        critics_join = self.images_seen >= config.warmup_kimg * 1000
        if critics_join and not self.style_scale:
            self._settle_styles()
        sampled, errors = self._update_generator(real, rng, critics_join)
        critic_loss = self._update_critics(real, sampled, rng) if critics_join else 0.0
        self.step += 1
        self._update_average()
        self.seconds += time.perf_counter() - started
        return PriorFrame(self.step, self.images_seen, self.seconds, *errors, critic_loss)

    def _update_generator(
        self, real: Tensor, rng: torch.Generator, critics_join: bool
    ) -> tuple[Tensor, tuple[float, float, float]]:
        """Reconstructs the batch, matches the codes and, once critics have joined, fools them.

        Returns:
            augmented random faces [sampled, 3, R, R] (none before critics join), and the errors of
            a frame.
        """
        config, batch = self.config, len(real)
        noise = config.style_noise / (self.style_scale or 1.0)
        mapping, synthesize = self.generator.mapping, self.generator.synthesize
        with self.compute.autocast():
            with torch.set_grad_enabled(not critics_join):
                w = self.encoder(real)
            styles = w + noise * self._normal(batch, rng)
            if critics_join:
                # Critics teach the synthesis network only: they would teach the mapping network
                # to leave out whatever is hard to draw.
                with torch.no_grad():
                    random_styles = mapping(self._normal(config.sampled, rng))[:, 0]
                styles = torch.cat([styles, random_styles])
            drawn = synthesize(styles, noise_mode="none").float()
            rebuilt, sampled = drawn[:batch], drawn[batch:]
            with torch.no_grad():
                wanted = self.features(real)
            in_pixels = pixel_error(rebuilt, real)
            in_features = feature_error(self.features(rebuilt), wanted).mean()
            loss = in_pixels + config.feature_weight * in_features
            loss = loss + config.style_penalty * w.square().mean()
            if critics_join:
                sampled = self._augment(sampled, rng)
                self.critics.requires_grad_(False)
                realness = self.critics(self.features(sampled))
                self.critics.requires_grad_(True)
                loss = loss - config.critic_weight * sum(r.mean() for r in realness)
        self.bank = torch.cat([self.bank, w.detach()])[-config.bank :]
        mapped = mapping(self._normal(MAPPING_BATCH, rng), track_average=True)[:, 0]
        distance = energy_distance(mapped, self.bank)
        (loss + distance).backward()
        self._apply("synthesis", "mapping", *([] if critics_join else ["encoder"]))
        errors = (in_pixels.item(), in_features.item(), distance.item())
        return sampled.detach(), errors

    def _update_critics(self, real: Tensor, sampled: Tensor, rng: torch.Generator) -> float:
        """Hinge loss; ``sampled`` faces are already augmented."""
        with self.compute.autocast():
            with torch.no_grad():
                true_stages = self.features(self._augment(real, rng))
                false_stages = self.features(sampled)
            loss = torch.zeros((), device=self.compute.device)
            for true, false in zip(
                self.critics(true_stages), self.critics(false_stages), strict=True
            ):
                loss = loss + F.relu(1 - true).mean() + F.relu(1 + false).mean()
        loss.backward()
        self._apply("critics")
        return loss.item()

    @torch.no_grad()
    def _settle_styles(self) -> None:
        """Scales w to unit deviation without changing any picture; the weight average restarts.

        The outputs of encoder and mapping are homogeneous in the last layer's parameters (a leaky
        ReLU commutes with positive factors), and the synthesis begins with affine maps of w.
        """
        scale = (self.bank - self.bank.mean(dim=0)).square().mean().sqrt().item()
        mapping = self.generator.mapping
        last = getattr(mapping, f"fc{mapping.num_layers - 1}")
        for tensor in (
            self.encoder.out.weight,
            self.encoder.out.bias,
            last.weight,
            last.bias,
            mapping.w_avg,
            self.bank,
        ):
            tensor.div_(scale)
        for name, parameter in self.generator.synthesis.named_parameters():
            if name.endswith("affine.weight"):
                parameter.mul_(scale)
        self.average.load_state_dict(self.generator.state_dict())
        self.style_scale = scale

    def _normal(self, count: int, rng: torch.Generator) -> Tensor:
        noise = torch.randn(count, self.config.latent_dim, generator=rng)
        return noise.to(self.compute.device)

    def _augment(self, images: Tensor, rng: torch.Generator) -> Tensor:
        config = self.config
        return augment(images, rng, translation=config.translation, brightness=config.brightness)

    def _set_rates(self) -> None:
        config = self.config
        share = min(1.0, (self.step + 1) / ADAM_WARMUP)
        share /= 1 + self.images_seen / (config.decay_kimg * 1000)
        rates = {"mapping": config.mapping_rate, "critics": config.critic_rate}
        for name, optimizer in self.optimizers.items():
            for group in optimizer.param_groups:
                group["lr"] = rates.get(name, config.learning_rate) * share

    def _apply(self, *names: str) -> None:
        for name in names:
            self.optimizers[name].step()
            self.optimizers[name].zero_grad(set_to_none=True)

    @torch.no_grad()
    def _update_average(self) -> None:
        half_life = min(self.config.ema_kimg * 1000, self.images_seen * self.config.ema_rampup)
        beta = 0.5 ** (self.config.batch_size / max(half_life, 1e-8))
        torch._foreach_lerp_(
            list(self.average.parameters()), list(self.generator.parameters()), 1 - beta
        )
        buffers = zip(self.average.buffers(), self.generator.buffers(), strict=True)
        for average_buffer, buffer in buffers:
            average_buffer.copy_(buffer)

    def _parts(self) -> dict[str, nn.Module | torch.optim.Adam]:
        return {
            "generator": self.generator,
            "average": self.average,
            "encoder": self.encoder,
            "critics": self.critics,
            **{f"{name}_adam": optimizer for name, optimizer in self.optimizers.items()},
        }

    def save(self, directory: Path) -> None:
        numbers = {"step": self.step, "seconds": self.seconds, "style_scale": self.style_scale}
        path, recipe = directory / PRIOR_STATE_FILE, asdict(self.config)
        save_state(path, self._parts(), recipe, numbers, {"bank": self.bank})

    def load(self, directory: Path) -> None:
        """Restores a saved state; raises as ``load_state``."""
        path, recipe = directory / PRIOR_STATE_FILE, asdict(self.config)
        tensors, numbers = load_state(path, self._parts(), recipe)
        self.bank = tensors["bank"].to(self.compute.device)
        self.step = int(numbers["step"])
        self.seconds = float(numbers["seconds"])
        self.style_scale = float(numbers["style_scale"])


def _adam(module: nn.Module, rate: float, betas: tuple[float, float]) -> torch.optim.Adam:
    return torch.optim.Adam(module.parameters(), lr=rate, betas=betas)


def train_prior(
    trainer: PriorTrainer, images: Tensor, directory: Path, *, minutes: float
) -> Iterator[PriorFrame]:
    """Trains for ``minutes`` of computing (at least one step), on top of earlier sittings.

    Args:
        images: uint8 [N, 3, R, R] with R the configured resolution.
        directory: where the resumable state lives; a state in it is continued.

    Yields:
        One frame per step. The state is saved regularly and at the end.
    """
    if (directory / PRIOR_STATE_FILE).exists():
        trainer.load(directory)
    started_at = saved_at = trainer.seconds
    with closing(FreeCores()) as cores:
        cores.take()
        while True:
            yield trainer.train_step(images)
            if trainer.seconds - started_at >= minutes * 60:
                break
            if trainer.seconds - saved_at > SAVE_EVERY_SECONDS:
                trainer.save(directory)
                saved_at = trainer.seconds
                cores.take()
    trainer.save(directory)
