"""Serves the page as a ZeroGPU Space does, without a GPU: ``python -m tests.space.serve ZOO RUNS``.

``spaces`` is real: its emulated GPU in this process, its forked worker, its pipes. Only the last
step in the worker is another: networks are moved from where the launch packed them to the CPU.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from itertools import chain
from pathlib import Path

import torch
from spaces.zero import wrappers
from spaces.zero.torch import patching

from mia_demo.system.device import Compute, choose_compute
from mia_demo.ui.app_page import build_app
from mia_demo.ui.engine import zero_gpu
from mia_demo.ui.engine.engine import Engine
from mia_demo.ui.serving.launching import launch
from mia_demo.zoo.folder import FolderZoo


def move_to_cpu(compute: Compute) -> None:
    """What ``spaces`` does with the packed tensors, and no CUDA."""
    for pack in patching.tensor_packs:
        packed, offset = Path(pack.path()).read_bytes(), 0
        for tensor, size, aligned in chain(*pack.batches, pack.big_tensors):
            data = torch.frombuffer(bytearray(packed[offset : offset + size]), dtype=torch.uint8)
            real = torch.tensor([], dtype=tensor.dtype)
            real.set_(data.untyped_storage(), 0, tensor.shape, tensor.stride())
            for fake in pack.fakes[tensor]:
                fake.data = real
            offset += aligned
    object.__setattr__(compute, "device", torch.device("cpu"))


def main() -> None:
    zoo, runs = map(Path, sys.argv[1:])
    # Here and not in the worker: weights are placed in the precision they are attacked in.
    compute = choose_compute(precision="fp32")
    assert compute.device.type == "cuda", "the GPU is not emulated"

    def move(callback: Callable[[int], None] | None = None) -> None:
        move_to_cpu(compute)

    wrappers.torch.init = lambda uuid: None
    wrappers.torch.move = move
    zero_gpu.TURN = 1
    engine = Engine(FolderZoo(zoo), compute, runs)
    app = build_app(engine)
    engine.start()
    _, url, _ = launch(app, prevent_thread_lock=True, quiet=True)
    sys.stdout.write(f"serving {url}\n")
    sys.stdout.flush()
    app.block_thread()


if __name__ == "__main__":
    main()
