"""``toy`` and ``bench``: the paper's example in figures, and the speed of this machine."""

from dataclasses import asdict
from typing import Any

from mia_demo.bench.paper_scale import run_paper_bench
from mia_demo.bench.small import run_bench
from mia_demo.commands.output import log_line
from mia_demo.commands.requests import BenchRequest, ToyRequest
from mia_demo.sweep.sweep import parse_numbers
from mia_demo.system.device import choose_compute
from mia_demo.toy import run_toy
from mia_demo.zoo.opening import open_zoo


def answer_toy(request: ToyRequest) -> dict[str, Any]:
    result = run_toy(request.alpha)
    return {
        "alpha": result.alpha,
        "final_loss": round(result.final_loss, 4),
        "steps": result.walk.steps,
        "distance": round(result.walk.distance, 2),
        "end": list(result.walk.path[-1]),
    }


def answer_bench(request: BenchRequest) -> dict[str, Any]:
    compute = choose_compute(request.device)
    if request.paper_scale:
        batches = parse_numbers(request.batches)
        return run_paper_bench(compute, request.target, batches, request.at_once, log_line)
    result = run_bench(open_zoo(request.zoo), compute)
    return {**asdict(result), "ratio": round(result.ratio, 2)}
