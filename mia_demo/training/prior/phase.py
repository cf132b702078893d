"""One of the trainings that together make a prior: a fixed number of steps, resumable."""

import math
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Adam

from mia_demo.data.transforms import normalise
from mia_demo.errors import ConfigError
from mia_demo.system.cores import FreeCores
from mia_demo.system.device import Compute
from mia_demo.training.prior.config import PriorConfig
from mia_demo.training.state import load_state, save_state, step_generator

WARMUP_STEPS = 100
LAST_RATE = 0.02  # share of the learning rate that is left at the end
SAVE_EVERY_SECONDS = 120  # of computing


@dataclass(frozen=True)
class PriorFrame:
    """One step of one phase.

    Attributes:
        seconds: of computing in this phase, including earlier sittings.
        errors: by name, of this step.
    """

    phase: str
    step: int
    steps: int
    seconds: float
    errors: dict[str, float]


class Phase(ABC):
    """A training of ``steps`` steps whose rate rises for a while and then falls to almost nothing.

    Attributes:
        name: of its state file, too.
        batch_size: pictures per step; of the mapping network, styles.
        kept: names of the attributes that a resumed training needs: networks, their averages and
            optimisers.
    """

    name: str
    batch_size: int
    kept: tuple[str, ...]

    def __init__(self, config: PriorConfig, steps: int, compute: Compute) -> None:
        self.config = config
        self.compute = compute
        self.steps = max(1, steps)
        self.step = 0
        self.seconds = 0.0

    @abstractmethod
    def update(self, rng: torch.Generator) -> dict[str, float]:
        """One step; returns its errors."""

    def parts(self) -> dict[str, nn.Module | Adam]:
        """What a resumed training needs, by name."""
        return {name: getattr(self, name) for name in self.kept}

    @property
    def is_done(self) -> bool:
        return self.step >= self.steps

    @property
    def images_seen(self) -> int:
        return self.step * self.batch_size

    def train_step(self) -> PriorFrame:
        """
        Raises:
            ConfigError: the errors are no longer numbers.
        """
        started = time.perf_counter()
        self._set_rates()
        errors = self.update(step_generator(self.config.seed, self.step))
        if not all(map(math.isfinite, errors.values())):
            raise ConfigError(
                f"The prior's {self.name} diverged at step {self.step + 1}; train on more photos, "
                "or with another seed."
            )
        self.step += 1
        self.seconds += time.perf_counter() - started
        return PriorFrame(self.name, self.step, self.steps, self.seconds, errors)

    def apply(self, optimizer: Adam) -> None:
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)

    @torch.no_grad()
    def follow(self, average: nn.Module, network: nn.Module) -> None:
        """Moves the average of a network's weights; it forgets the beginning."""
        beta = min(0.998, self.step / (self.step + 20))
        torch._foreach_lerp_(list(average.parameters()), list(network.parameters()), 1 - beta)

    def normal(self, count: int, rng: torch.Generator) -> Tensor:
        """Latents [count, latent_dim]."""
        return torch.randn(count, self.config.latent_dim, generator=rng).to(self.compute.device)

    def _set_rates(self) -> None:
        falling = 0.5 * (1 + math.cos(math.pi * self.step / self.steps))
        share = min(1.0, (self.step + 1) / WARMUP_STEPS) * (falling + LAST_RATE)
        for part in self.parts().values():
            if isinstance(part, Adam):
                for group in part.param_groups:
                    group["lr"] = group["initial_lr"] * share

    def save(self, directory: Path, recipe: Mapping[str, Any]) -> None:
        """Saves the state; ``recipe`` says what it may be resumed with."""
        numbers = {"step": self.step, "seconds": self.seconds}
        save_state(state_file(directory, self.name), self.parts(), recipe, numbers)

    def load(self, directory: Path, recipe: Mapping[str, Any]) -> None:
        """Restores a saved state, if there is one; raises as ``load_state``."""
        file = state_file(directory, self.name)
        if file.exists():
            numbers = load_state(file, self.parts(), recipe)
            self.step, self.seconds = int(numbers["step"]), float(numbers["seconds"])


def state_file(directory: Path, phase: str) -> Path:
    """Where a phase keeps its state; ``*`` stands for any."""
    return directory / f"prior_{phase}.safetensors"


def run_phase(
    phase: Phase, directory: Path, recipe: Mapping[str, Any], is_time_up: Callable[[], bool]
) -> Iterator[PriorFrame]:
    """Trains on from the state in ``directory`` until the phase is done or time is up.

    Yields:
        one frame per step. The state is saved regularly, and whenever the training ends between
        two steps.
    """
    phase.load(directory, recipe)
    saved_step, saved_at = phase.step, phase.seconds
    is_between_steps = True
    try:
        with closing(FreeCores()) as cores:
            cores.take()
            while not phase.is_done and not is_time_up():
                is_between_steps = False
                frame = phase.train_step()
                is_between_steps = True
                yield frame
                if phase.seconds - saved_at > SAVE_EVERY_SECONDS:
                    phase.save(directory, recipe)
                    saved_step, saved_at = phase.step, phase.seconds
                    cores.take()
    finally:
        if is_between_steps and phase.step > saved_step:
            phase.save(directory, recipe)


def adam(parameters: Iterable[nn.Parameter], rate: float, betas: tuple[float, float]) -> Adam:
    """An optimiser whose rate a phase raises to ``rate`` and lowers again."""
    return Adam([{"params": list(parameters), "initial_lr": rate}], lr=rate, betas=betas)


def random_photos(images: Tensor, count: int, rng: torch.Generator, compute: Compute) -> Tensor:
    """Of uint8 [N, 3, R, R], each mirrored or not: float [count, 3, R, R] in [-1, 1]."""
    chosen = images[torch.randint(len(images), (count,), generator=rng)].to(compute.device)
    return mirrored(normalise(chosen), coins(count, rng))


def coins(count: int, rng: torch.Generator) -> Tensor:
    """bool [count]."""
    return torch.rand(count, generator=rng) < 0.5


def mirrored(images: Tensor, which: Tensor) -> Tensor:
    """[B, 3, R, R], mirrored where ``which`` [B] is true."""
    which = which[:, None, None, None].to(images.device)
    return torch.where(which, images.flip(3), images)


def random_corners(count: int, side: int, rng: torch.Generator) -> list[list[int]]:
    """Of crops of half of ``side``: rows and columns."""
    corners: list[list[int]] = torch.randint(side // 2 + 1, (count, 2), generator=rng).tolist()
    return corners


def cropped(images: Tensor, corners: list[list[int]]) -> Tensor:
    """[B, 3, R, R] -> [B, 3, R / 2, R / 2], at full detail."""
    half = images.shape[-1] // 2
    crops = [
        image[:, top : top + half, left : left + half]
        for image, (top, left) in zip(images, corners, strict=True)
    ]
    return torch.stack(crops)
