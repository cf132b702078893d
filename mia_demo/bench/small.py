"""Speed of the attack against the loop of the reference code, on the same machine.

All loops take turns in one process, and CPU seconds count, so a busy machine distorts little;
peak memory is that of one process per loop.
"""

from typing import Any

import torch

from mia_demo.attack.config import preset_config
from mia_demo.bench.loops import OUR_LOOP, REFERENCE_LOOP, BenchSetting, Scene, build_loop, loops_of
from mia_demo.bench.measure import (
    alternating,
    in_its_own_process,
    machine_rates,
    needed_operations,
    peak_memory,
)
from mia_demo.system.device import Compute

BENCH_ROUNDS = 5
TIMED_LOSSES = ("poincare", "cross_entropy")  # the paper's, and the presets'


def run_bench(location: str | None, compute: Compute) -> dict[str, Any]:
    """Times the loops with the lanes and candidates of the ``quick`` preset.

    Returns:
        ``ours``, ``reference``: candidate steps per CPU second (on an accelerator per second) with
        the presets' loss, without the evaluator, on one thread; ``ratio`` of the two;
        ``peak_memory_bytes`` of ours; and under ``loops``, ``memory`` and ``roofline`` the rest.
    """
    candidates = preset_config("quick").candidates
    settings = {
        loss: BenchSetting(str(compute.device), compute.precision, loss, candidates, location)
        for loss in TIMED_LOSSES
    }
    loops = loops_of(compute)
    scene = Scene.of(settings[TIMED_LOSSES[0]])
    work = candidates * len(scene.targets)
    threads = torch.get_num_threads()
    rows: list[dict[str, Any]] = []
    try:
        for count in dict.fromkeys([1, threads] if compute.device.type == "cpu" else [threads]):
            torch.set_num_threads(count)
            for loss, setting in settings.items():
                runs = {name: build_loop(setting, name) for name in loops}
                seconds = alternating(runs, compute, BENCH_ROUNDS)
                rows.append(
                    {
                        "loss": loss,
                        "threads": count,
                        **{name: round(work / seconds[name].cpu, 2) for name in loops},
                        "wall": {name: round(work / seconds[name].wall, 2) for name in loops},
                        "ratio": round(seconds[REFERENCE_LOOP].cpu / seconds[OUR_LOOP].cpu, 2),
                    }
                )
        torch.set_num_threads(1)
        rates = {name: round(rate, 1) for name, rate in machine_rates(compute).items()}
    finally:
        torch.set_num_threads(threads)
    main = next(row for row in rows if row["loss"] == preset_config("quick").loss)
    operations = needed_operations(scene.generator, scene.targets) / 1e9
    peaks = {
        name: in_its_own_process(peak_of_loop, settings[TIMED_LOSSES[0]], name) for name in loops
    }
    return {
        "ours": main[OUR_LOOP],
        "reference": main[REFERENCE_LOOP],
        "peak_memory_bytes": peaks[OUR_LOOP] or 0,
        "ratio": main["ratio"],
        "precision": compute.precision,
        "loops": rows,
        "memory": peaks,
        "roofline": {
            "gigaflop_per_candidate_step": round(operations, 3),
            "gigaflop_per_second": rates,
            "share_of": {
                name: round(main[OUR_LOOP] * operations / rate, 3) for name, rate in rates.items()
            },
        },
    }


def peak_of_loop(setting: BenchSetting, name: str) -> int:
    """Bytes at the peak of a process that does nothing else."""
    step = build_loop(setting, name)
    for _ in range(3):
        step()
    return peak_memory(setting.compute)
