"""Seconds and memory of an attack step at the paper's size, with random weights.

A StyleGAN2 of 1024 px, targets at 224 px and an Inception-v3 that judges the pictures at 299 px:
the arithmetic of a real attack, without its checkpoints. The table has the shape of the one in the
reference code's README: a row per target and batch.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from typing import Any

from mia_demo.attack.config import preset_config
from mia_demo.bench.loops import LOOPS, OUR_LOOP, REFERENCE_LOOP, BenchSetting, build_loop
from mia_demo.bench.measure import Seconds, alternating, in_its_own_process, peak_memory
from mia_demo.errors import ConfigError
from mia_demo.models.classifiers import build_classifier
from mia_demo.system.allocator import give_memory_back
from mia_demo.system.device import Compute

TIMED_STEPS = 3  # after a first one that is not counted
REFERENCE_GIGABYTES = {1: 3.2, 10: 15.8, 20: 24.1}  # its README: ResNet-18, float32, a GPU's


def run_paper_bench(
    compute: Compute,
    targets: Sequence[str],
    batches: Sequence[int],
    at_once: int | None,
    log: Callable[[str], None],
) -> dict[str, Any]:
    """Measures every loop in a process of its own.

    Args:
        targets: architectures under attack.
        batches: numbers of candidates.
        at_once: how many of them our loop puts through the networks together, as long as they fit;
            None as the attack itself would choose.

    Raises:
        ConfigError: a batch or micro-batch below 1, or an unknown architecture.
    """
    if min(batches) < 1 or (at_once is not None and at_once < 1):
        raise ConfigError("A batch needs at least 1 candidate, and 1 of them at once.")
    for target in targets:
        build_classifier(target, 2, 224)
    loss = preset_config("paper").loss
    plain = BenchSetting(str(compute.device), compute.precision, loss, 1, at_once=at_once)
    rows = []
    for target in targets:
        for batch in batches:
            setting = replace(plain, target=target, candidates=batch)
            measured = {name: in_its_own_process(_measure, setting, name) for name in LOOPS}
            rows.append(_row(setting, measured))
            log(f"{target}, batch {batch}: {_sentence(measured)}")
    empty = in_its_own_process(peak_memory, compute)
    return {"device": compute.label, "memory_before_bytes": empty, "batches": rows}


def _measure(setting: BenchSetting, name: str) -> tuple[Seconds, int]:
    compute = setting.compute
    loop = build_loop(setting, name)
    give_memory_back()  # of the networks as they were loaded
    seconds = alternating({name: loop}, compute, TIMED_STEPS)
    return seconds[name], peak_memory(compute)


Measured = dict[str, tuple[Seconds, int] | None]


def _row(setting: BenchSetting, measured: Measured) -> dict[str, Any]:
    """A loop that was killed for want of memory is None."""
    ours, reference = measured[OUR_LOOP], measured[REFERENCE_LOOP]
    known = REFERENCE_GIGABYTES if setting.target == "resnet18" else {}
    row: dict[str, Any] = {
        "target": setting.target,
        "batch": setting.candidates,
        "at_once": setting.at_once,
        "seconds_per_step": ours and round(ours[0].wall, 3),
        "peak_memory_bytes": ours and ours[1],
        "reference_gigabytes": known.get(setting.candidates),
        "ratio": ours and reference and round(reference[0].cpu / ours[0].cpu, 2),
    }
    for name, found in measured.items():
        row[name] = found and {"seconds": asdict(found[0]), "peak_memory_bytes": found[1]}
    return row


def _sentence(measured: Measured) -> str:
    return "; ".join(
        f"{name} {found[0].cpu:.2f} CPU s per step, {found[1] / 1e9:.2f} GB"
        if found
        else f"{name} does not fit"
        for name, found in measured.items()
    )
