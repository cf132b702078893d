"""One of the trainings that together make a prior: a fixed number of steps, resumable."""

from __future__ import annotations

import math
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.optim import Adam

from mia_demo.system.cores import FreeCores
from mia_demo.system.device import Compute
from mia_demo.training.prior.config import PriorConfig
from mia_demo.training.state import load_state, save_state, step_generator

WARMUP_STEPS = 100
LAST_RATE = 0.02  # share of the learning rate that is left at the end
SAVE_EVERY_SECONDS = 120  # of computing

Parts = Mapping[str, nn.Module | Adam]


@dataclass(frozen=True)
class PriorFrame:
    """One step of one phase.

    Attributes:
        images_seen: in this phase.
        seconds: of computing in this phase, including earlier sittings.
        errors: by name, of this step.
    """

    phase: str
    step: int
    steps: int
    images_seen: int
    seconds: float
    errors: dict[str, float]


class Phase(ABC):
    """A training of ``steps`` steps whose rate rises for a while and then falls to almost nothing.

    Attributes:
        name: of its state file, too.
        batch_size: pictures per step.
    """

    name: str
    batch_size: int

    def __init__(self, config: PriorConfig, steps: int, compute: Compute) -> None:
        self.config = config
        self.compute = compute
        self.steps = max(1, steps)
        self.step = 0
        self.seconds = 0.0

    @abstractmethod
    def parts(self) -> Parts:
        """What a resumed training needs: networks, their averages and optimisers by name."""

    @abstractmethod
    def update(self, rng: torch.Generator) -> dict[str, float]:
        """One step; returns its errors."""

    @property
    def is_done(self) -> bool:
        return self.step >= self.steps

    def train_step(self) -> PriorFrame:
        started = time.perf_counter()
        self._set_rates()
        errors = self.update(step_generator(self.config.seed, self.step))
        self.step += 1
        self.seconds += time.perf_counter() - started
        seen = self.step * self.batch_size
        return PriorFrame(self.name, self.step, self.steps, seen, self.seconds, errors)

    def apply(self, *optimizers: Adam) -> None:
        for optimizer in optimizers:
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

    def _file(self, directory: Path) -> Path:
        return directory / f"prior_{self.name}.safetensors"

    def save(self, directory: Path) -> None:
        numbers = {"step": self.step, "seconds": self.seconds}
        save_state(self._file(directory), self.parts(), asdict(self.config), numbers)

    def load(self, directory: Path) -> None:
        """Restores a saved state, if there is one; raises as ``load_state``."""
        if self._file(directory).exists():
            recipe = asdict(self.config)
            _, numbers = load_state(self._file(directory), self.parts(), recipe)
            self.step, self.seconds = int(numbers["step"]), float(numbers["seconds"])


def run_phase(
    phase: Phase, directory: Path, is_time_up: Callable[[], bool]
) -> Iterator[PriorFrame]:
    """Trains on from the state in ``directory`` until the phase is done or time is up.

    Yields:
        one frame per step. The state is saved regularly and at the end.
    """
    phase.load(directory)
    saved_at = phase.seconds
    with closing(FreeCores()) as cores:
        cores.take()
        while not phase.is_done and not is_time_up():
            yield phase.train_step()
            if phase.seconds - saved_at > SAVE_EVERY_SECONDS:
                phase.save(directory)
                saved_at = phase.seconds
                cores.take()
    phase.save(directory)


def adam(parameters: Iterable[nn.Parameter], rate: float, betas: tuple[float, float]) -> Adam:
    """An optimiser whose rate a phase raises to ``rate`` and lowers again."""
    return Adam([{"params": list(parameters), "initial_lr": rate}], lr=rate, betas=betas)


def random_photos(images: Tensor, count: int, rng: torch.Generator, compute: Compute) -> Tensor:
    """Of uint8 [N, 3, R, R], each mirrored or not: float [count, 3, R, R] in [-1, 1]."""
    chosen = images[torch.randint(len(images), (count,), generator=rng)].to(compute.device)
    return mirrored(unit(chosen), coins(count, rng))


def unit(images: Tensor) -> Tensor:
    """uint8 -> float in [-1, 1]."""
    return images.float() / 127.5 - 1


def coins(count: int, rng: torch.Generator) -> Tensor:
    """bool [count]."""
    return torch.rand(count, generator=rng) < 0.5


def mirrored(images: Tensor, which: Tensor) -> Tensor:
    """[B, 3, R, R] with those mirrored of which ``which`` [B] is true."""
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
