"""The one place where device and precision are chosen."""

import contextlib
import logging
import os
import platform
from dataclasses import dataclass
from typing import TypeVar

import torch
import torch.nn.functional as F
from torch import nn

from mia_demo.errors import DeviceError
from mia_demo.system.allocator import keep_freed_memory
from mia_demo.system.arithmetic import cpu_arithmetic

log = logging.getLogger(__name__)

Network = TypeVar("Network", bound=nn.Module)


@dataclass(frozen=True)
class Compute:
    """Where and how networks run.

    Attributes:
        dtype: autocast type of convolutions and matrix products: bfloat16 where the hardware
            multiplies it faster (CUDA from Ampere, CPUs by measurement), else float32.
        graphs: an attack's networks are replayed as CUDA graphs.
    """

    device: torch.device
    dtype: torch.dtype
    graphs: bool = False

    @property
    def precision(self) -> str:
        return "bf16" if self.dtype == torch.bfloat16 else "fp32"

    @property
    def label(self) -> str:
        """For people: ``NVIDIA H200 · bf16`` or ``CPU, 2 threads · fp32``."""
        if self.device.type == "cuda":
            name = torch.cuda.get_device_name(self.device)
        elif self.device.type == "mps":
            name = f"Apple {platform.machine()} GPU"
        else:
            threads = torch.get_num_threads()
            name = f"CPU, {threads} thread{'' if threads == 1 else 's'}"
        return f"{name} · {self.precision}"

    @property
    def transposes(self) -> bool:
        """Whether upsampling is faster as a transposed convolution than merged with its blur.

        Measured on CPUs; on accelerators nobody has, and one dense convolution suits them.
        """
        return self.device.type == "cpu" and cpu_arithmetic().transposes

    def autocast(self) -> contextlib.AbstractContextManager[object]:
        """Mixed precision for one step; never hold it across a ``yield``."""
        if self.dtype == torch.float32:
            return contextlib.nullcontext()
        return torch.autocast(self.device.type, self.dtype)

    def place(self, network: Network) -> Network:
        """Moves a network to the device, channels last: the layout of fast convolutions."""
        network.to(self.device)
        network.to(memory_format=torch.channels_last)
        return network

    def synchronize(self) -> None:
        """Waits for queued device work, so that a clock reads what it should."""
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)
        elif self.device.type == "mps":
            torch.mps.synchronize()


def why_apple_cannot_attack() -> str:
    """What torch has no kernel for on Apple's GPU, with the remedy; empty if nothing is missing.

    torch 2.8 lacks the gradient of antialiased resizing, which an attack takes wherever a
    classifier sees another size than the prior makes (``attack.framing``).
    """
    images = torch.ones(1, 3, 4, 4, device="mps", requires_grad=True)
    try:
        F.interpolate(images, size=(2, 2), mode="bilinear", antialias=True).sum().backward()
    except NotImplementedError:
        return (
            f"torch {torch.__version__} cannot compute an attack on Apple's GPU: it has no kernel "
            "for the gradient of antialiased resizing. Set PYTORCH_ENABLE_MPS_FALLBACK=1 to leave "
            "that step to the CPU, or update torch."
        )
    return ""


def _without_cuda() -> str:
    """Apple's GPU where it can attack, else the CPU, and why."""
    if not torch.backends.mps.is_available():
        return "cpu"
    reason = why_apple_cannot_attack()
    if reason:
        log.warning("The CPU is used: %s", reason)
    return "cpu" if reason else "mps"


def choose_compute(
    name: str = "auto", precision: str = "auto", *, local_rank: int = 0, graphs: bool = False
) -> Compute:
    """Picks the device (``auto``, ``cpu``, ``cuda``, ``cuda:1``, ``mps``) and its precision.

    Args:
        name: device name; ``auto`` prefers CUDA, then Apple's GPU if it can attack, then the CPU.
        precision: ``auto``, ``bf16`` or ``fp32``; MIA_PRECISION says what ``auto`` is.
        local_rank: number of this process on its host; ``auto`` and ``cuda`` are that GPU.
        graphs: replay an attack's networks as CUDA graphs.

    Raises:
        DeviceError: the device is unknown or absent, or has no CUDA graphs.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else _without_cuda()
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise DeviceError(f"No such device: {name!r}; use auto, cpu, cuda or mps.") from error
    if local_rank and device == torch.device("cuda"):
        device = torch.device("cuda", local_rank)
        if local_rank >= torch.cuda.device_count():
            raise DeviceError(
                f"No GPU is left for process {local_rank} of this host; give torchrun an "
                f"--nproc-per-node of {torch.cuda.device_count()}."
            )
    present = {
        "cpu": True,
        "cuda": torch.cuda.is_available() and (device.index or 0) < torch.cuda.device_count(),
        "mps": torch.backends.mps.is_available(),
    }
    if not present.get(device.type, False):
        raise DeviceError(f"Device {name!r} is not present on this machine; use --device auto.")
    if graphs and device.type != "cuda":
        raise DeviceError("CUDA graphs need an NVIDIA GPU; leave --cuda-graphs out.")
    if device.type == "mps" and (reason := why_apple_cannot_attack()):
        raise DeviceError(reason)
    native = {
        "cpu": lambda: cpu_arithmetic().dtype == torch.bfloat16,
        # A T4 has it emulated, slower than float32.
        "cuda": lambda: torch.cuda.is_bf16_supported(including_emulation=False),
        "mps": lambda: False,
    }
    if precision == "auto":
        precision = os.environ.get("MIA_PRECISION", "auto")
    if precision not in ("auto", "bf16", "fp32"):
        raise DeviceError(f"No such precision: {precision!r}; use auto, bf16 or fp32.")
    if device.type == "cpu":
        keep_freed_memory()
    use_bfloat16 = native[device.type]() if precision == "auto" else precision == "bf16"
    return Compute(device, torch.bfloat16 if use_bfloat16 else torch.float32, graphs)
