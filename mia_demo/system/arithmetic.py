"""Which arithmetic a CPU does fastest, measured once on convolutions of the prior's own shapes.

Names do not tell: bfloat16 is three times as fast as float32 with AMX, twice on an AMD core with
AVX512-BF16, and slower than float32 on an Intel core with AVX512-BF16 alone. So it is measured, in
CPU time of alternating rounds, because the machine may be busy, and noted in a file for this CPU
and this torch, so that every later start computes alike.
"""

import contextlib
import json
import platform
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path

import torch
import torch.nn.functional as F

from mia_demo.system.files import cache_folder, write_json

PROBE_ROUNDS = 5
WORTH_IT = 1.1  # times as fast, before the less exact type is chosen
# Private in torch 2.x, hence the guard in ``_extensions``: an unknown CPU computes in float32.
EXTENSIONS = {"AMX": "_is_amx_tile_supported", "AVX512-BF16": "_is_avx512_bf16_supported"}


@dataclass(frozen=True)
class Arithmetic:
    """What was measured: times as fast as float32, and as one merged convolution.

    Attributes:
        bfloat16: speed of bfloat16; 0 where the CPU cannot multiply it.
        transpose: speed of upsampling as a transposed convolution with a blur.
    """

    cpu: str
    bfloat16: float
    transpose: float

    @property
    def dtype(self) -> torch.dtype:
        return torch.bfloat16 if self.bfloat16 >= WORTH_IT else torch.float32

    @property
    def transposes(self) -> bool:
        return self.transpose >= 1

    @property
    def reason(self) -> str:
        """For people, such as ``bf16 measured 1.98 times as fast as fp32``."""
        if not self.bfloat16:
            return "this CPU does not multiply bf16"
        upsampling = "a transposed convolution" if self.transposes else "one merged convolution"
        return (
            f"bf16 measured {self.bfloat16:.2f} times as fast as fp32; upsampling by {upsampling}"
        )


@lru_cache(maxsize=1)
def cpu_arithmetic() -> Arithmetic:
    """This CPU's, measured at the first call on this machine with this torch."""
    cpu = " ".join([_cpu_model(), *_extensions(), "torch", torch.__version__])
    path = cache_file()
    try:
        known = Arithmetic(**json.loads(path.read_text("utf-8")))
        if known.cpu == cpu:
            return known
    except (OSError, ValueError, TypeError):
        pass  # not measured yet
    measured = measure(cpu)
    # Where nothing can be written, it is measured again at the next start.
    with contextlib.suppress(OSError):
        write_json(path, asdict(measured))
    return measured


def cache_file() -> Path:
    return cache_folder() / "arithmetic.json"


@torch.no_grad()
def measure(cpu: str) -> Arithmetic:
    """Takes a twentieth of a second, on layers of a 64 px prior."""
    can_bfloat16 = bool(_extensions())
    bfloat16 = 0.0
    if can_bfloat16:
        single, half = _medians(*(_convolution(t) for t in (torch.float32, torch.bfloat16)))
        bfloat16 = round(single / half, 2)
    dtype = torch.bfloat16 if bfloat16 >= WORTH_IT else torch.float32
    merged, transposed = _medians(*_upsamplings(dtype))
    return Arithmetic(cpu, bfloat16, round(merged / transposed, 2))


def _convolution(dtype: torch.dtype) -> Callable[[], object]:
    x, weight = _maps(8, 128, 16, dtype), _maps(128, 128, 3, dtype)
    return lambda: F.conv2d(x, weight, padding=1)


def _upsamplings(dtype: torch.dtype) -> tuple[Callable[[], object], Callable[[], object]]:
    """From 64 maps of 32 px to 32 of 64 px: merged with the blur, and transposed before it."""
    x, merged = _maps(8, 64, 32, dtype), _maps(128, 64, 3, dtype)
    weight, blur = _maps(64, 32, 3, dtype), _maps(32, 1, 4, dtype)

    def transposed() -> object:
        return F.conv2d(F.conv_transpose2d(x, weight, stride=2), blur, padding=1, groups=32)

    return lambda: F.conv2d(x, merged, padding=1), transposed


def _maps(batch: int, channels: int, side: int, dtype: torch.dtype) -> torch.Tensor:
    ones = torch.ones(batch, channels, side, side, dtype=dtype)
    return ones.contiguous(memory_format=torch.channels_last)


def _medians(*works: Callable[[], object]) -> list[float]:
    """CPU seconds of this thread for each, taking turns after a first round that warms up."""
    # On Windows a thread's time advances in steps of 16 ms, longer than any of these works.
    clock = time.perf_counter if sys.platform == "win32" else time.thread_time
    seconds: list[list[float]] = [[] for _ in works]
    for _ in range(1 + PROBE_ROUNDS):
        for taken, work in zip(seconds, works, strict=True):
            started = clock()
            work()
            taken.append(clock() - started)
    return [statistics.median(taken[1:]) for taken in seconds]


def _extensions() -> list[str]:
    """Those of ``EXTENSIONS`` that this CPU has and torch's library uses."""
    if not torch.backends.mkldnn.is_available():
        return []
    return [name for name, check in EXTENSIONS.items() if getattr(torch.cpu, check, bool)()]


def _cpu_model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()
