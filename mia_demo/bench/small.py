"""Speed of the attack against the plain loop of the reference code, on the same machine.

The plain loop attacks one lane after the other, in float32, with networks whose parameters still
ask for gradients; ours runs all lanes in one generator batch, frozen, channels last, and in
bfloat16 where the hardware has it. Both take turns in one process, so their ratio means something
even where absolute times are noise.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from mia_demo.attack.attack import Attacker
from mia_demo.attack.config import AttackConfig, preset_config
from mia_demo.attack.losses import LOSSES
from mia_demo.attack.optimisation import Optimisation
from mia_demo.data.transforms import random_resized_crop
from mia_demo.system.device import Compute
from mia_demo.training.state import step_generator
from mia_demo.zoo.reading import Zoo

ROUNDS = 3
STEPS = 5


@dataclass(frozen=True)
class BenchResult:
    """Candidate steps a second of both loops, best of ``ROUNDS``; peak memory of ours."""

    ours: float
    reference: float
    peak_memory_bytes: int

    @property
    def ratio(self) -> float:
        return self.ours / self.reference


def run_bench(zoo: Zoo, compute: Compute) -> BenchResult:
    """Times both loops with the lanes and candidates of the ``quick`` preset."""
    config = preset_config("quick", lanes=tuple(zoo.target_names()))
    plain = Compute(compute.device, torch.float32)
    ours_attacker, plain_attacker = Attacker(zoo, compute), Attacker(zoo, plain)
    rng = torch.Generator().manual_seed(0)
    shape = (len(config.lanes), config.candidates, ours_attacker.generator.w_dim)
    start = torch.randn(shape, generator=rng) * 0.3
    lanes = [ours_attacker.lane(name) for name in config.lanes]
    optimisation = Optimisation(ours_attacker.renderer, lanes, [config.identity], start, config)
    networks = [plain_attacker.generator]
    networks += [plain_attacker.lane(name).classifier for name in config.lanes]  # type: ignore[misc]
    for network in networks:
        network.requires_grad_(True).to(memory_format=torch.contiguous_format)

    def ours() -> None:
        for step in range(STEPS):
            optimisation.step(step_generator(0, step))

    def reference() -> None:
        _plain_loop(plain_attacker, config, start)

    if compute.device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(compute.device)
    ours()
    memory = peak_memory(compute)
    reference()
    times: dict[str, list[float]] = {"ours": [], "reference": []}
    for _ in range(ROUNDS):
        times["ours"].append(seconds_of(ours, compute))
        times["reference"].append(seconds_of(reference, compute))
    work = STEPS * shape[0] * shape[1]
    return BenchResult(work / min(times["ours"]), work / min(times["reference"]), memory)


def _plain_loop(attacker: Attacker, config: AttackConfig, start: Tensor) -> None:
    for name, w0 in zip(config.lanes, start, strict=True):
        w = w0.to(attacker.compute.device).clone().requires_grad_(True)
        optimizer = torch.optim.Adam([w], lr=config.learning_rate, betas=(0.1, 0.1))
        for step in range(STEPS):
            images = attacker.generator.synthesize(w)
            crop = (config.crop_scale, 1.0)
            views = random_resized_crop(
                images, images.shape[-1], crop, step_generator(0, step), per_image=False
            )
            logits = attacker.lane(name).classifier(views)
            loss = LOSSES[config.loss](logits, config.identity).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()


def seconds_of(run: Callable[[], None], compute: Compute) -> float:
    """Wall time of ``run``, device work included."""
    compute.synchronize()
    started = time.perf_counter()
    run()
    compute.synchronize()
    return time.perf_counter() - started


def peak_memory(compute: Compute) -> int:
    """Of the device, or on a CPU of the process; 0 where the system does not say (Windows)."""
    if compute.device.type == "cuda":
        return torch.cuda.max_memory_allocated(compute.device)
    try:
        import resource
    except ImportError:
        return 0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
