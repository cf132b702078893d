"""Seconds and memory of an attack step at the paper's size, with random weights.

A StyleGAN2 of 1024 px, a target at 224 px and an Inception-v3 that judges the pictures at 299 px:
the arithmetic of a real attack, without its checkpoints.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import torch

from mia_demo.attack.config import preset_config
from mia_demo.attack.framing import Framing
from mia_demo.attack.lanes import Lane
from mia_demo.attack.optimisation import Optimisation
from mia_demo.attack.renderer import Renderer
from mia_demo.bench.small import peak_memory, seconds_of
from mia_demo.errors import ConfigError
from mia_demo.models.classifiers import Classifier, build_classifier
from mia_demo.models.stylegan2 import Generator
from mia_demo.system.device import Compute
from mia_demo.system.memory import MicroBatches
from mia_demo.system.seeds import SeededDraws
from mia_demo.training.state import step_generator

RESOLUTION = 1024
FRAMING = Framing(800)
TARGET_SIZE, EVALUATOR_SIZE = 224, 299
IDENTITIES = 530  # of FaceScrub
STEPS = 2  # after a first one that is not counted
REFERENCE_GIGABYTES = {1: 3.2, 10: 15.8, 20: 24.1}  # its README: ResNet-18, float32


def run_paper_bench(
    compute: Compute,
    target: str,
    batches: Sequence[int],
    at_once: int | None,
    log: Callable[[str], None],
) -> dict[str, Any]:
    """Measures batches one after the other; memory of the process grows, so ascending is best.

    Args:
        target: architecture under attack.
        batches: numbers of candidates.
        at_once: how many of them go through the networks together, as long as they fit; None as
            the attack itself would choose.

    Raises:
        ConfigError: a batch or micro-batch below 1.
    """
    if min(batches) < 1 or (at_once is not None and at_once < 1):
        raise ConfigError("A batch needs at least 1 candidate, and 1 of them at once.")
    empty = peak_memory(compute)
    with SeededDraws(0):
        generator = compute.place(Generator(resolution=RESOLUTION).requires_grad_(False).eval())
        classifiers = [
            compute.place(build_classifier(name, IDENTITIES, size).requires_grad_(False).eval())
            for name, size in ((target, TARGET_SIZE), ("inception_v3", EVALUATOR_SIZE))
        ]
    lane, evaluator = Lane("target", 0.0, 0.0, classifiers[0]), classifiers[1]
    config = replace(preset_config("paper"), lanes=("target",))
    measured = []
    for batch in batches:
        micro_batches = MicroBatches(compute, RESOLUTION**2 + 2 * EVALUATOR_SIZE**2)
        micro_batches.size = at_once or micro_batches.size
        renderer = Renderer(generator, compute, FRAMING, micro_batches)
        start = torch.randn(1, batch, generator.w_dim, generator=step_generator(0, batch)) * 0.3
        optimisation = Optimisation(renderer, [lane], [0], start, config)
        if compute.device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(compute.device)
        attack = partial(_attack, optimisation, evaluator, compute)
        attack(1)
        seconds = seconds_of(partial(attack, STEPS), compute) / STEPS
        measured.append(
            {
                "batch": batch,
                "at_once": min(micro_batches.size, batch),
                "seconds_per_step": round(seconds, 3),
                "peak_memory_bytes": peak_memory(compute),
                "reference_gigabytes": REFERENCE_GIGABYTES.get(batch),
            }
        )
        log(f"batch {batch}: {seconds:.2f} s a step, {peak_memory(compute) / 1e9:.2f} GB")
    return {
        "device": compute.label,
        "target": target,
        "memory_before_bytes": empty,
        "batches": measured,
    }


def _attack(
    optimisation: Optimisation, evaluator: Classifier, compute: Compute, steps: int
) -> None:
    """Steps whose pictures are all judged, as an attack does with those it shows."""
    for step in range(steps):
        pictures = optimisation.step(step_generator(0, step)).images.flatten(0, 1)
        with torch.no_grad(), compute.autocast():
            for some in pictures.split(optimisation.renderer.micro_batches.size):
                evaluator(some)
