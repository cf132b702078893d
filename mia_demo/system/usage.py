"""How much memory the demo uses."""

import os
import sys
from dataclasses import dataclass
from pathlib import Path

import torch

from mia_demo.system.device import Compute

if sys.platform != "win32":
    import resource

STATM = Path("/proc/self/statm")  # Linux: sizes in pages, the second is resident memory


@dataclass(frozen=True)
class DeviceMemory:
    """Bytes of an accelerator: used by this process, and in all (None if unknown)."""

    used: int
    total: int | None


def process_bytes() -> int | None:
    """Memory of this process; its peak where only that is known; None on Windows."""
    if sys.platform == "win32":
        return None
    if STATM.exists():
        return int(STATM.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def device_memory(compute: Compute) -> DeviceMemory | None:
    """None on a CPU, and if this process has not used its GPU."""
    if compute.device.type == "mps":
        return DeviceMemory(torch.mps.current_allocated_memory(), None)
    if compute.device.type != "cuda" or not torch.cuda.is_initialized():
        return None
    _, total = torch.cuda.mem_get_info(compute.device)
    return DeviceMemory(torch.cuda.memory_reserved(compute.device), total)
