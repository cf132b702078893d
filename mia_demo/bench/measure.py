"""Clocks, memory and what a machine could do at best."""

import multiprocessing
import statistics
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mia_demo.models.classifiers import Classifier
from mia_demo.models.stylegan2 import Generator
from mia_demo.system.device import Compute
from mia_demo.system.memory import is_out_of_memory
from mia_demo.system.usage import process_bytes

STATUS = Path("/proc/self/status")  # Linux: VmHWM is the peak of this program alone
_Result = TypeVar("_Result")


@dataclass(frozen=True)
class Seconds:
    """Medians of a run; on an accelerator both are those of the clock.

    Attributes:
        cpu: of all of the process's threads, which a busy machine changes little.
        wall: of the clock.
    """

    cpu: float
    wall: float


def alternating(
    runs: Mapping[str, Callable[[], object]], compute: Compute, rounds: int
) -> dict[str, Seconds]:
    """Medians over ``rounds`` in which the runs take turns, after one that is not counted."""
    taken: dict[str, list[Seconds]] = {name: [] for name in runs}
    for number in range(1 + rounds):
        for name, run in runs.items():
            seconds = _clocked(run, compute)
            if number:
                taken[name].append(seconds)
    return {
        name: Seconds(
            cpu=statistics.median(seconds.cpu for seconds in some),
            wall=statistics.median(seconds.wall for seconds in some),
        )
        for name, some in taken.items()
    }


def _clocked(run: Callable[[], object], compute: Compute) -> Seconds:
    compute.synchronize()
    started, cpu_started = time.perf_counter(), time.process_time()
    run()
    compute.synchronize()
    wall, cpu = time.perf_counter() - started, time.process_time() - cpu_started
    return Seconds(cpu if compute.device.type == "cpu" else wall, wall)


def in_its_own_process(work: Callable[..., _Result], *arguments: object) -> _Result | None:
    """What ``work`` returns in a fresh process; None if there was too little memory."""
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=spawn) as pool:
        try:
            return pool.submit(work, *arguments).result()
        except BrokenProcessPool:
            return None
        except RuntimeError as error:  # on a CPU no error of its own
            if is_out_of_memory(error):
                return None
            raise


def peak_memory(compute: Compute) -> int:
    """Of the device, or on a CPU of the process; 0 where the system does not say (Windows)."""
    if compute.device.type == "cuda":
        return torch.cuda.max_memory_allocated(compute.device)
    if STATUS.exists():
        lines = STATUS.read_text("utf-8").splitlines()
        peaks = [line.split()[1] for line in lines if line.startswith("VmHWM")]
        return int(peaks[0]) * 1024 if peaks else 0
    return process_bytes() or 0


def machine_rates(compute: Compute) -> dict[str, float]:
    """GFLOP per (CPU) second: a large matrix product, a convolution of 128 maps of 16 px."""

    def ones(*shape: int) -> Tensor:
        return torch.ones(shape, device=compute.device, dtype=compute.dtype)

    a, b = ones(1024, 1024), ones(1024, 1024)
    x = ones(24, 128, 16, 16).contiguous(memory_format=torch.channels_last)
    weight = ones(128, 128, 3, 3).contiguous(memory_format=torch.channels_last)
    runs: dict[str, Callable[[], object]] = {
        "matrix": lambda: a @ b,
        "convolution": lambda: F.conv2d(x, weight, padding=1),
    }
    operations = {"matrix": 2 * 1024**3, "convolution": 2 * 24 * 128 * 128 * 9 * 16 * 16}
    with torch.no_grad():
        seconds = alternating(runs, compute, rounds=7)
    return {name: operations[name] / seconds[name].cpu / 1e9 for name in runs}


def needed_operations(generator: Generator, classifiers: list[Classifier]) -> float:
    """FLOP per candidate and step that no formulation of the step avoids.

    Convolutions and matrix products of one picture, forwards and by their input: upsampling with
    nine taps per input pixel, the constant's convolution as a matrix product. Activations, blurs,
    crops and whatever else passes over maps are left out.
    """
    synthesis, multiplications = generator.synthesis, 0.0
    for size in synthesis.resolutions:
        block = getattr(synthesis, f"b{size}")
        if block.first:
            out_channels, in_channels, _, _ = block.conv1.weight.shape
            multiplications += in_channels * out_channels * size**2
        else:
            multiplications += block.conv0.weight.numel() * (size // 2) ** 2
            multiplications += block.conv1.weight.numel() * size**2
        multiplications += block.torgb.weight.numel() * size**2
    per_lane = [_multiplications(classifier) for classifier in classifiers]
    return 4 * (multiplications + statistics.mean(per_lane))


@torch.no_grad()
def _multiplications(classifier: Classifier) -> float:
    """Of one forward pass."""
    counted: list[float] = []

    def count(module: nn.Module, _: object, output: Tensor) -> None:
        weight = module.weight
        assert isinstance(weight, Tensor)
        counted.append(weight.numel() * output[0].numel() / len(weight))

    hooks = [
        module.register_forward_hook(count)
        for module in classifier.modules()
        if isinstance(module, nn.Conv2d | nn.Linear)
    ]
    weight = next(classifier.parameters())
    side = classifier.input_size
    classifier(torch.zeros(1, 3, side, side, device=weight.device, dtype=weight.dtype))
    for hook in hooks:
        hook.remove()
    return sum(counted)
