"""How much memory is said to be in use."""

from __future__ import annotations

import numpy as np
import torch

from mia_demo.device import Compute
from mia_demo.usage import device_memory, process_bytes


def test_memory_that_is_taken_up_is_seen() -> None:
    before = process_bytes()
    taken = np.ones(50_000_000, dtype=np.uint8)
    after = process_bytes()
    assert before is not None
    assert after is not None
    assert after - before >= 0.9 * taken.nbytes


def test_a_cpu_has_no_memory_of_its_own() -> None:
    assert device_memory(Compute(torch.device("cpu"), torch.float32)) is None
