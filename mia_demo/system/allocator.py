"""What glibc does with freed memory."""

import ctypes
import platform
from functools import cache

# From malloc.h: trim threshold, top pad, mmap threshold (its largest value), number of arenas.
_SETTINGS = ((-1, 1 << 30), (-2, 256 << 20), (-3, 32 << 20), (-8, 1))


def keep_freed_memory() -> None:
    """Freed tensors go to the next step instead of back to the kernel.

    Every step allocates and frees the same hundreds of megabytes; without this a fifth of a CPU
    attack is the kernel clearing fresh pages. One arena, so that worker threads share them.
    """
    if _is_glibc():
        mallopt = ctypes.CDLL(None).mallopt
        for parameter, value in _SETTINGS:
            mallopt(parameter, value)


def give_memory_back() -> None:
    """Freed memory goes back to the kernel, at once: for when nothing computes any more."""
    if _is_glibc():
        ctypes.CDLL(None).malloc_trim(0)


@cache
def _is_glibc() -> bool:
    return platform.libc_ver()[0] == "glibc"
