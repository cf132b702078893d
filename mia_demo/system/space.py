"""Whether this is a Hugging Face Space, and of what kind, according to its environment."""

import os


def space_name() -> str:
    """``user/name`` of the Space; empty if this is none."""
    return os.environ.get("SPACE_ID", "")


def is_zero_gpu() -> bool:
    """Whether a GPU is lent for seconds at a time, instead of being present."""
    return os.environ.get("SPACES_ZERO_GPU", "").lower() in ("1", "t", "true")


def hardware() -> str:
    """What the Space runs on, as far as the environment tells."""
    known = (os.environ.get(name, "") for name in ("ACCELERATOR", "CPU_CORES", "MEMORY"))
    accelerator, cores, memory = known
    lent = "ZeroGPU" if is_zero_gpu() else ""
    gpu = lent or ("no GPU" if accelerator in ("", "none") else accelerator)
    return ", ".join(filter(None, (gpu, cores and f"{cores} CPU cores", memory)))
